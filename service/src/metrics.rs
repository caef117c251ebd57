//! Prometheus metrics of this process.

use std::{sync::OnceLock, thread, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// How often observations are added up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Buckets of response times in seconds: the ones existing dashboards know (static-config 21.6).
const RESPONSE_TIMES: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

/// Those of statements (portal-api 23.8).
const STATEMENT_TIMES: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0];

/// Those of everything else that takes its time: deliveries, mails, synchronisations.
const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// The process-wide recorder; installed at first use.
pub fn recorder() -> &'static PrometheusHandle {
    RECORDER.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(
                Matcher::Suffix("_response_times".to_owned()),
                RESPONSE_TIMES,
            )
            .and_then(|builder| {
                builder.set_buckets_for_metric(
                    Matcher::Full("wicked_api_pg_response_times".to_owned()),
                    STATEMENT_TIMES,
                )
            })
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            })
            .and_then(PrometheusBuilder::install_recorder)
            .expect("the buckets are valid and the recorder is installed once");
        keep_small(recorder.clone());
        metrics::gauge!("wicketgate_build_info", "version" => crate::VERSION).set(1);
        recorder
    })
}

/// Adds up what was observed. Until then every single observation is kept, so where nobody reads the
/// metrics a process would grow with every request. On a thread of its own: the recorder outlives the
/// runtimes of tests, and the gateway has several.
fn keep_small(recorder: PrometheusHandle) {
    let upkeep = move || {
        loop {
            thread::sleep(UPKEEP);
            recorder.run_upkeep();
        }
    };
    let started = thread::Builder::new()
        .name("metrics".to_owned())
        .stack_size(256 * 1024)
        .spawn(upkeep);
    if let Err(error) = started {
        tracing::warn!(%error, "metrics take memory until somebody reads them");
    }
}

/// The current values as Prometheus text.
pub fn render() -> String {
    recorder().render()
}
