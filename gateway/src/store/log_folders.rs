use std::path::{Path, PathBuf};

use kong::{ApiError, Kind, schema::Faults};
use serde_json::Value;

use super::Row;

/// Where `file-log` may write: whoever writes the configuration must not be able to add lines to any
/// file of this machine (gateway 7.19). Without any, everywhere.
#[derive(Clone, Default)]
pub struct LogFolders(pub Option<Vec<PathBuf>>);

impl LogFolders {
    pub fn check(&self, row: &Row) -> Result<(), ApiError> {
        let Some(folders) = &self.0 else {
            return Ok(());
        };
        if row.kind != Kind::Plugin || row.text("name").as_deref() != Some("file-log") {
            return Ok(());
        }
        let config = row.value("config");
        let path = config.get("path").and_then(Value::as_str);
        let path = Path::new(path.unwrap_or_default());
        // A path with `..` is refused by the schema.
        if folders.iter().any(|folder| path.starts_with(folder)) {
            return Ok(());
        }
        let folders: Vec<String> = folders
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        let mut faults = Faults::default();
        faults.field(
            "config.path",
            format!(
                "has to lie in one of: {} (GATEWAY_LOG_DIRS)",
                folders.join(", ")
            ),
        );
        Err(ApiError::schema(faults.into_fields()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_listed_folders_are_written_to() {
        let folders = LogFolders(Some(vec!["/var/log".into(), "/dev/stdout".into()]));
        for (path, is_allowed) in [
            ("/var/log/gateway/x.log", true),
            ("/dev/stdout", true),
            ("/var/logs", false),
            ("/etc/passwd", false),
            ("x.log", false),
        ] {
            let fields = json!({"name": "file-log", "config": {"path": path}});
            let row = Row::new(Kind::Plugin, Uuid::nil(), 0, fields.as_object().unwrap());
            assert_eq!(folders.check(&row).is_ok(), is_allowed, "{path}");
        }
    }
}
