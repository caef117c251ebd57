//! What somebody works on: the edits that are not saved yet, on top of the version they were made on.

use std::collections::{BTreeMap, HashMap};

use http::StatusCode;
use sdk::{
    Client, Optional,
    types::configuration::{CommitRequest, ConfigDraft, ConfigEdit},
};
use serde_json::Value;

use super::{
    document::{self, Step},
    merge,
};
use crate::{failure::Failure, visitor::Visitor};

pub const APIS: &str = "apis/apis.json";
pub const PLANS: &str = "plans/plans.json";

/// The draft of one person.
pub struct Desk {
    pub client: Client,
    /// Version that the edits are made on.
    pub base: String,
    /// Groups whose APIs the person owns; nothing stands for all.
    groups: Option<Vec<String>>,
    edits: BTreeMap<String, Option<String>>,
    /// Files of the base that were read, so that each is read once.
    originals: HashMap<String, Option<String>>,
    /// Names the version when a file is read; nothing where only the newest can be.
    read_at: Option<String>,
}

impl Desk {
    /// The person's own. Whoever owns no API is refused by portal-api.
    pub async fn open(visitor: &Visitor) -> Result<Self, Failure> {
        let user = visitor.require_user()?;
        let client = visitor.client();
        let (draft, newest, person) = tokio::try_join!(
            client.config_draft(),
            client.config_file(APIS, None),
            client.user(&user.id),
        )?;
        let mut desk = Self {
            groups: (!person.admin).then_some(person.groups),
            base: newest.version.clone(),
            edits: BTreeMap::new(),
            originals: HashMap::from([(APIS.to_owned(), Some(newest.text))]),
            read_at: None,
            client,
        };
        if !draft.files.is_empty() {
            let edits = draft.files.into_iter();
            desk.edits = edits.map(|edit| (edit.path, edit.content)).collect();
            desk.on(draft.base, &newest.version).await?;
        }
        Ok(desk)
    }

    /// Reads from the version `base` on. One that is not kept any more is replaced by the newest.
    async fn on(&mut self, base: String, newest: &str) -> Result<(), Failure> {
        self.base = base;
        if self.base == newest {
            return Ok(());
        }
        let before = self.client.config_file(APIS, Some(&self.base)).await;
        if let Some(before) = before.optional()? {
            self.originals = HashMap::from([(APIS.to_owned(), Some(before.text))]);
            self.read_at = Some(self.base.clone());
        }
        Ok(())
    }

    pub fn is_clean(&self) -> bool {
        self.edits.is_empty()
    }

    /// Paths of edited files.
    pub fn edited(&self) -> impl Iterator<Item = &str> {
        self.edits.keys().map(String::as_str)
    }

    pub fn edit_of(&self, path: &str) -> Option<&Option<String>> {
        self.edits.get(path)
    }

    /// The file as it was.
    pub async fn original(&mut self, path: &str) -> Result<Option<String>, Failure> {
        if let Some(text) = self.originals.get(path) {
            return Ok(text.clone());
        }
        let read = self.client.config_file(path, self.read_at.as_deref()).await;
        let text = match read.optional() {
            Ok(file) => file.map(|file| file.text),
            // Nothing of an API that is only in the draft is there yet, nor anybody's.
            Err(error) if error.status() == Some(StatusCode::FORBIDDEN) && self.is_new(path) => {
                None
            }
            Err(error) => return Err(error.into()),
        };
        self.originals.insert(path.to_owned(), text.clone());
        Ok(text)
    }

    /// Whether a file belongs to an API that the list of the base does not have.
    fn is_new(&self, path: &str) -> bool {
        let id = path
            .strip_prefix("apis/")
            .and_then(|rest| rest.split_once('/'));
        let list = self.originals.get(APIS).and_then(Option::as_deref);
        let (Some((id, _)), Some(list)) = (id, list) else {
            return false;
        };
        let list: Value = serde_json::from_str(list).unwrap_or_default();
        let place = [Step::from("apis"), Step::Id(id.to_owned())];
        document::get(&list, &place).is_none()
    }

    /// The file as it would be.
    pub async fn text(&mut self, path: &str) -> Result<Option<String>, Failure> {
        match self.edits.get(path) {
            Some(edited) => Ok(edited.clone()),
            None => self.original(path).await,
        }
    }

    /// The file as JSON; empty where there is none, or it is no JSON.
    pub async fn json(&mut self, path: &str) -> Result<Value, Failure> {
        let text = self.text(path).await?.unwrap_or_default();
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Another content for a file; nothing removes it.
    pub async fn put(&mut self, path: &str, content: Option<String>) -> Result<(), Failure> {
        if self.original(path).await? == content {
            self.edits.remove(path);
        } else {
            self.edits.insert(path.to_owned(), content);
        }
        Ok(())
    }

    /// Another value for a place of a JSON file; nothing takes it away.
    pub async fn set(
        &mut self,
        path: &str,
        place: &[Step],
        value: Option<Value>,
    ) -> Result<(), Failure> {
        let text = self.text(path).await?.unwrap_or_else(|| "{}\n".to_owned());
        let changed = match &value {
            Some(value) => document::set(&text, place, value),
            None => document::remove(&text, place),
        };
        let changed = changed.map_err(|_| {
            Failure::BadRequest(format!("`{path}` is no JSON of the expected shape"))
        })?;
        self.put(path, Some(changed)).await
    }

    /// Keeps the edits for the next page.
    pub async fn save(&self) -> Result<(), Failure> {
        if self.is_clean() {
            self.client.delete_config_draft().await?;
        } else {
            self.client.put_config_draft(&self.draft()).await?;
        }
        Ok(())
    }

    pub fn draft(&self) -> ConfigDraft {
        ConfigDraft {
            base: self.base.clone(),
            files: self.files(),
        }
    }

    fn files(&self) -> Vec<ConfigEdit> {
        let edits = self.edits.iter();
        edits
            .map(|(path, content)| ConfigEdit {
                path: path.clone(),
                content: content.clone(),
            })
            .collect()
    }

    /// The edits as a change of the configuration.
    pub fn request(&self) -> CommitRequest {
        CommitRequest {
            base: self.base.clone(),
            files: self.files(),
            ..CommitRequest::default()
        }
    }

    /// Replaces base and edits.
    pub fn move_to(&mut self, base: String, edits: BTreeMap<String, Option<String>>) {
        self.base = base;
        self.edits = edits;
        self.originals.clear();
        self.read_at = Some(self.base.clone());
    }

    /// Forgets all edits of an API.
    pub async fn reset(&mut self, api: &str) -> Result<(), Failure> {
        let folder = format!("apis/{api}/");
        self.edits.retain(|path, _| !path.starts_with(&folder));
        let place = [Step::from("apis"), Step::Id(api.to_owned())];
        if let (Some(before), Some(after)) = (self.original(APIS).await?, self.text(APIS).await?) {
            let rest = merge::without(&before, &after, &place);
            self.put(APIS, Some(rest.unwrap_or(before))).await?;
        }
        if self.edits.keys().all(|path| path == PLANS) {
            self.edits.clear();
        }
        Ok(())
    }

    /// Whether an entry of the list is the person's to change.
    pub fn owns(&self, entry: &Value) -> bool {
        let group = entry["ownerGroup"].as_str().unwrap_or_default();
        self.groups
            .as_ref()
            .is_none_or(|groups| groups.iter().any(|own| own == group))
    }

    /// Groups that may be named as owners; nothing stands for all.
    pub fn groups(&self) -> Option<&[String]> {
        self.groups.as_deref()
    }

    /// All APIs of the person, as they would be.
    pub async fn own_entries(&mut self) -> Result<Vec<Value>, Failure> {
        let document = self.json(APIS).await?;
        let entries = document["apis"].as_array().into_iter().flatten();
        Ok(entries.filter(|entry| self.owns(entry)).cloned().collect())
    }

    /// The entry of one API, which is the person's to change.
    pub async fn entry(&mut self, api: &str) -> Result<Value, Failure> {
        let document = self.json(APIS).await?;
        let place = [Step::from("apis"), Step::Id(api.to_owned())];
        let entry = document::get(&document, &place).ok_or(Failure::NotFound)?;
        // Whoever hands an API over must still be able to take that back.
        let before: Value = serde_json::from_str(&self.original(APIS).await?.unwrap_or_default())
            .unwrap_or_default();
        let was_own = document::get(&before, &place).is_some_and(|before| self.owns(&before));
        if self.owns(&entry) || was_own {
            Ok(entry)
        } else {
            Err(Failure::Forbidden)
        }
    }
}

/// Changes members of one object of a file; what says the same as before is left as it is.
pub struct Members<'a> {
    desk: &'a mut Desk,
    file: String,
    place: Vec<Step>,
    before: Value,
}

impl<'a> Members<'a> {
    /// The entry of an API in the list.
    pub async fn of_api(desk: &'a mut Desk, api: &str) -> Result<Self, Failure> {
        let before = desk.entry(api).await?;
        Ok(Self {
            desk,
            file: APIS.to_owned(),
            place: vec![Step::from("apis"), Step::Id(api.to_owned())],
            before,
        })
    }

    /// An object of a file.
    pub async fn of(desk: &'a mut Desk, file: &str, place: Vec<Step>) -> Result<Self, Failure> {
        let document = desk.json(file).await?;
        Ok(Self {
            before: document::get(&document, &place).unwrap_or_default(),
            desk,
            file: file.to_owned(),
            place,
        })
    }

    fn value(&self, path: &[&str]) -> Option<&Value> {
        path.iter()
            .try_fold(&self.before, |value, key| value.get(key))
    }

    /// Sets a member, or takes it away.
    pub async fn set(&mut self, path: &[&str], value: Option<Value>) -> Result<(), Failure> {
        if self.value(path) == value.as_ref() {
            return Ok(());
        }
        let mut place = self.place.clone();
        place.extend(path.iter().map(|key| Step::from(*key)));
        self.desk.set(&self.file, &place, value).await
    }

    /// Empty is the same as absent.
    pub async fn text(&mut self, path: &[&str], text: &str) -> Result<(), Failure> {
        let before = self.value(path).and_then(Value::as_str).unwrap_or_default();
        if before == text {
            return Ok(());
        }
        let value = (!text.is_empty()).then(|| Value::from(text));
        self.set(path, value).await
    }

    /// Absent is the same as `default`.
    pub async fn flag(&mut self, path: &[&str], value: bool, default: bool) -> Result<(), Failure> {
        let before = self.value(path).map_or(default, is_true);
        if before == value {
            return Ok(());
        }
        self.set(path, Some(Value::from(value))).await
    }

    pub async fn list(&mut self, path: &[&str], list: Vec<String>) -> Result<(), Failure> {
        let is_empty = self.value(path).is_none() && list.is_empty();
        if is_empty {
            return Ok(());
        }
        self.set(path, Some(Value::from(list))).await
    }

    /// Empty is the same as absent.
    pub async fn number(&mut self, path: &[&str], number: Option<u64>) -> Result<(), Failure> {
        self.set(path, number.map(Value::from)).await
    }
}

/// Files write truth values as text, too.
pub fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or(value.as_str() == Some("true"))
}
