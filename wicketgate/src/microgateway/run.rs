use anyhow::Context;
use gateway::Mode;
use service::{clock, health::Readiness};

use super::{artefact::Artefact, signature::PublicKey};
use crate::{cli::Run, keys, signals, single};

/// `wicketgate gateway run`: serves an artefact and nothing else, until it is told to stop.
pub async fn run(options: &Run) -> anyhow::Result<()> {
    let key = options
        .signed_by
        .as_deref()
        .map(PublicKey::read)
        .transpose()?;
    let artefact = Artefact::read(&options.artefact, key.as_ref())?;
    let data = single::data();
    keys::prepare_folder(&data)?;
    let mut settings = gateway::Settings::from_env(data, false)?;
    settings.hands_over = false;
    settings.mode = Mode::Fixed;
    settings.config = None;
    tracing::info!("`{}`: {}", artefact.name, artefact.apis.join(", "));
    let document = artefact.document_at(clock::now().timestamp());
    settings.document = Some(document.to_string());
    let readiness = Readiness::new();
    let shutdown = signals::shutdown()?;
    gateway::serve(settings, readiness, shutdown)
        .await
        .with_context(|| format!("`{}`", options.artefact.display()))
}
