//! Variant 3: the document as a file, for gateways that read one (events-and-adapters C14).

use std::{fs, io, path::Path, sync::Arc};

use super::base;
use crate::{
    desired::{self, Context},
    document,
    keys::KeysByServer,
    reconcile::{Found, Full, Notes, Options, Reconciler, RunError, assemble, entities::Outcome},
    target::Target,
};

impl Reconciler {
    /// Writes the file if its content is another one.
    pub(in crate::reconcile) async fn write_file(
        &self,
        fetched: &KeysByServer,
        options: Options,
    ) -> Result<Full, RunError> {
        let file = self.rules.file.clone().ok_or_else(|| {
            RunError::Setup("KONG_CONFIG_FILE is needed when KONG_MODE is `file`".to_owned())
        })?;
        let snapshot = self.snapshot().await?;
        let base = base::read(self.rules.base_config.as_deref()).await?;
        let target = Arc::new(Target::unseen_kong());
        let context = Context::new(&self.settings, &snapshot, fetched, &target)
            .with_applications(&snapshot.applications);
        let mut desired = desired::of_snapshot(&context, &snapshot);
        let mut notes = Notes::default();
        if let Some(base) = &base {
            base.leave_out(
                &mut desired,
                &crate::entity::Entities::default(),
                &mut notes,
            );
        }
        let tag = self.settings.ids.own_tag();
        let text = document::render(
            &desired.entities,
            target.version,
            base.as_ref().map(base::Base::document),
            file.for_deck.then_some(tag.as_str()),
        );
        if !options.dry_run {
            let path = file.path.clone();
            let written = tokio::task::spawn_blocking(move || replace(&path, &text)).await;
            let failed =
                |reason: String| RunError::Setup(format!("{}: {reason}", file.path.display()));
            written
                .map_err(|error| failed(error.to_string()))?
                .map_err(|error| failed(error.to_string()))?;
        }
        drop(context);
        let outcome = Outcome {
            notes,
            ..Outcome::default()
        };
        let node = Found {
            name: "file".to_owned(),
            version: None,
            in_sync: true,
        };
        let keys = fetched.clone();
        Ok(assemble(
            snapshot,
            desired,
            keys,
            target,
            outcome,
            vec![node],
            None,
        ))
    }
}

/// It holds keys, so nobody else may read it.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|present| present == text) {
        return Ok(());
    }
    service::files::replace(path, text)
}
