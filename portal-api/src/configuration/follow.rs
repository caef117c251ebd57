//! Looking at the origin whenever somebody asks for it or the time has come, and taking over what
//! is newer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use config::{Configuration, Origin, Trouble};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{announce, orphans};
use crate::{AppState, bootstrap};

/// Longest look at a remote; libgit2 itself has no such limit.
const PATIENCE: Duration = Duration::from_mins(3);
/// How often instances compare what they serve (static-config 7).
const COMPARE: Duration = Duration::from_secs(15);
/// Pause before unfinished work is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// Stands for "never": polling is switched off.
const NEVER: Duration = Duration::from_hours(365 * 24);

/// Follows the origin until `shutdown`. `poll` is how often a repository is asked, zero = never.
pub async fn follow(state: AppState, poll: Duration, shutdown: CancellationToken) {
    let mut follower = Follower::new(state.clone());
    tokio::select! {
        () = follower.run(&state, poll) => {}
        () = shutdown.cancelled() => {}
    }
}

struct Follower {
    state: AppState,
    /// Commit that was looked at last, whether it is served or was refused.
    seen: Option<String>,
    /// A look that did not come back in time.
    lost: Option<JoinHandle<Result<Option<Arc<Configuration>>, Trouble>>>,
    /// What follows from the configuration in force was not done completely.
    unfinished: bool,
}

impl Follower {
    fn new(state: AppState) -> Self {
        let refused = &state.in_force.newest().refused;
        let commit = match refused {
            Some(refused) => refused.commit.clone(),
            None => state.configuration().commit(),
        };
        Self {
            seen: commit.map(|commit| commit.id),
            state,
            lost: None,
            unfinished: true,
        }
    }

    async fn run(&mut self, state: &AppState, poll: Duration) {
        let is_repository = matches!(state.in_force.origin, Origin::Git(_));
        let mut poll = ticks(if is_repository && !poll.is_zero() {
            poll
        } else {
            NEVER
        });
        let mut compare = ticks(if state.db.is_shared() { COMPARE } else { NEVER });
        poll.tick().await;
        compare.tick().await;
        self.finish().await;
        loop {
            tokio::select! {
                () = state.in_force.ordered() => self.look().await,
                _ = poll.tick() => self.look().await,
                _ = compare.tick() => announce::compare(state).await,
                () = sleep(RETRY), if self.unfinished => self.finish().await,
            }
        }
    }

    /// Reads the newest configuration and takes it over if it may be used.
    async fn look(&mut self) {
        let order = self.state.in_force.last_order();
        let outcome = match self.newest().await {
            Ok(None) => {
                self.state.in_force.note_unchanged();
                "unchanged"
            }
            Ok(Some(configuration)) => self.take_over(configuration).await,
            Err(trouble) => {
                let outcome = self.complain(&trouble);
                self.state.in_force.note(Some(&trouble));
                outcome
            }
        };
        self.state.in_force.carried_out(order);
        metrics::counter!("wicketgate_config_fetches_total", "outcome" => outcome).increment(1);
    }

    async fn newest(&mut self) -> Result<Option<Arc<Configuration>>, Trouble> {
        if self.lost.as_ref().is_some_and(|lost| !lost.is_finished()) {
            return Err(no_answer());
        }
        let in_force = &self.state.in_force;
        // Not the whole state: it would hold the database open when everything else has stopped.
        let (origin, environment) = (in_force.origin.clone(), in_force.environment.clone());
        let seen = self.seen.clone();
        let mut reading = tokio::task::spawn_blocking(move || {
            let newest = origin.newest(&environment, seen.as_deref());
            // Before anybody sees it: from now on a start without the remote knows it.
            if let Ok(Some(configuration)) = &newest
                && let Err(error) = origin.keep(configuration)
            {
                tracing::warn!("{error}");
            }
            newest
        });
        match tokio::time::timeout(PATIENCE, &mut reading).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_panicked)) => Err(Trouble::Unreachable(
                "reading the newest configuration failed".to_owned(),
            )),
            Err(_elapsed) => {
                self.lost = Some(reading);
                Err(no_answer())
            }
        }
    }

    async fn take_over(&mut self, configuration: Arc<Configuration>) -> &'static str {
        let in_force = &self.state.in_force;
        self.seen = configuration.commit().map(|commit| commit.id);
        let is_news = in_force.current().hash != configuration.hash;
        for notice in &configuration.notices {
            tracing::warn!("configuration: {notice}");
        }
        let (hash, commit) = (configuration.hash.clone(), self.seen.clone());
        in_force.replace(configuration);
        in_force.note(None);
        if is_news {
            let commit = commit.unwrap_or_default();
            tracing::info!(config.hash = %hash, config.commit = %commit, "new configuration in force");
        }
        self.finish().await;
        if is_news { "replaced" } else { "unchanged" }
    }

    /// Says what is wrong, once.
    fn complain(&mut self, trouble: &Trouble) -> &'static str {
        match trouble {
            Trouble::Unreachable(reason) => {
                let known = &self.state.in_force.newest().unreachable;
                if known.as_ref() != Some(reason) {
                    tracing::warn!("no news about the configuration: {reason}");
                }
                "unreachable"
            }
            Trouble::Refused { commit, problems } => {
                if let Some(commit) = commit {
                    self.seen = Some(commit.id.clone());
                }
                tracing::error!("{trouble}; the one before stays in force. All of it:\n{problems}");
                "refused"
            }
        }
    }

    /// Does what follows from the configuration in force. What fails is tried again.
    async fn finish(&mut self) {
        let started = Instant::now();
        let result = finish(&self.state).await;
        self.unfinished = result.is_err();
        match result {
            Ok(()) => metrics::histogram!("wicketgate_config_takeover_seconds")
                .record(started.elapsed().as_secs_f64()),
            Err(error) => tracing::warn!("a configuration is not taken over completely: {error:#}"),
        }
    }
}

async fn finish(state: &AppState) -> anyhow::Result<()> {
    bootstrap::follow(state).await?;
    announce::announce(state).await?;
    orphans::look(state).await?;
    // Not the whole state, as above.
    let (origin, configuration) = (state.in_force.origin.clone(), state.configuration());
    tokio::task::spawn_blocking(move || origin.keep(&configuration)).await??;
    Ok(())
}

fn no_answer() -> Trouble {
    Trouble::Unreachable(format!(
        "the repository has not answered for {} s",
        PATIENCE.as_secs()
    ))
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
