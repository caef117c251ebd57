//! What the targets share. The targets themselves are in `bin/`.

pub mod configuration;
