//! Prometheus metrics of this process.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

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
        metrics::gauge!("wicketgate_build_info", "version" => crate::VERSION).set(1);
        recorder
    })
}

/// The current values as Prometheus text.
pub fn render() -> String {
    recorder().render()
}
