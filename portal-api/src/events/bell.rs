use std::sync::Arc;

use tokio::sync::watch;

/// Tells the deliverers of this process that events were committed.
#[derive(Clone, Debug)]
pub struct Bell(Arc<watch::Sender<u64>>);

impl Default for Bell {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Bell {
    pub fn ring(&self) {
        self.0.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    /// Hears every ring from now on; several rings in a row may be heard as one.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
