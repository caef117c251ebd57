//! The installation of these tests, and somebody of each role in it, logged in.

use std::{collections::BTreeMap, path::Path};

use reqwest::{Client, Method, header};

use crate::{
    journey::{PASSWORD, Person},
    support::{Installation, Shape, change, copy_sample},
};

/// Who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Guest,
    /// Has an account and nothing to do with the application.
    Developer,
    Reader,
    Collaborator,
    Owner,
    /// Decides about the API of his group.
    Approver,
    /// Owns the APIs of the sample.
    Publisher,
    Admin,
    /// The same as above, but by a team alone that has the application.
    TeamReader,
    TeamCollaborator,
    TeamOwner,
}

impl Role {
    pub const ALL: [Self; 11] = [
        Self::Guest,
        Self::Developer,
        Self::Reader,
        Self::Collaborator,
        Self::Owner,
        Self::Approver,
        Self::Publisher,
        Self::Admin,
        Self::TeamReader,
        Self::TeamCollaborator,
        Self::TeamOwner,
    ];

    /// The role on the application that comes by a team.
    pub fn by_team(self) -> Option<Self> {
        match self {
            Self::TeamReader => Some(Self::Reader),
            Self::TeamCollaborator => Some(Self::Collaborator),
            Self::TeamOwner => Some(Self::Owner),
            _ => None,
        }
    }

    /// Also the id of the user.
    pub fn name(self) -> String {
        format!("the-{self:?}").to_lowercase()
    }

    pub fn email(self) -> String {
        format!("{}@example.org", self.name())
    }

    fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Owner | Self::TeamOwner => &["dev", "partners"],
            Self::Approver => &["dev", "partners", "deciders"],
            Self::Publisher => &["dev", "approvers"],
            Self::Admin => &["dev", "admin"],
            _ => &["dev"],
        }
    }
}

/// Somebody whose account may be damaged.
pub const SPARE: &str = "the-spare";

/// Started with a restricted and a deprecated API, from a configuration in `folder`.
pub async fn installation(folder: &Path) -> Installation {
    let mut installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    copy_sample(folder);
    change(&folder.join("globals.json"), |globals| {
        let mut users: Vec<_> = Role::ALL[1..]
            .iter()
            .map(|role| user(&role.name(), role.groups()))
            .collect();
        users.push(user(SPARE, &["dev"]));
        globals["initialUsers"] = users.into();
    });
    change(&folder.join("groups/groups.json"), |groups| {
        let list = groups["groups"].as_array_mut().unwrap();
        for group in list.iter_mut().filter(|group| group["id"] == "approvers") {
            group["approverGroup"] = false.into();
        }
        list.push(serde_json::json!({"id": "partners", "name": "Partners"}));
        let deciders =
            serde_json::json!({"id": "deciders", "name": "Deciders", "approverGroup": true});
        list.push(deciders);
    });
    change(&folder.join("apis/apis.json"), |apis| {
        let list = apis["apis"].as_array_mut().unwrap();
        let petstore = list
            .iter()
            .find(|api| api["id"] == "petstore")
            .unwrap()
            .clone();
        for (id, name, member, value) in [
            (
                "ledger",
                "Ledger",
                "requiredGroup",
                serde_json::json!("partners"),
            ),
            ("retired", "Retired", "deprecated", serde_json::json!(true)),
        ] {
            let mut api = petstore.clone();
            api["id"] = id.into();
            api["name"] = name.into();
            api[member] = value;
            list.push(api);
        }
    });
    for id in ["ledger", "retired"] {
        let petstore = folder.join("apis/petstore");
        let target = folder.join("apis").join(id);
        std::fs::create_dir_all(&target).unwrap();
        for entry in std::fs::read_dir(petstore).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), target.join(entry.file_name())).unwrap();
            }
        }
        change(&target.join("config.json"), |config| {
            let text = config.to_string().replace("petstore", id);
            *config = serde_json::from_str(&text).unwrap();
        });
    }
    installation.configure(folder.to_str().unwrap());
    installation.launch().await;
    installation
}

fn user(id: &str, groups: &[&str]) -> serde_json::Value {
    serde_json::json!({"id": id, "name": id, "email": format!("{id}@example.org"),
        "password": PASSWORD, "groups": groups, "validated": true})
}

/// One request.
pub struct Call<'a> {
    pub method: Method,
    pub path: String,
    pub fields: Vec<(&'a str, String)>,
    pub wants_json: bool,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    /// Without the portal's own origin.
    pub location: String,
    pub body: String,
}

/// A browser of each role that follows nothing.
pub struct People {
    base: String,
    browsers: BTreeMap<Role, (Client, String)>,
}

impl People {
    pub async fn log_in(installation: &Installation) -> Self {
        let base = installation.portal();
        let mut browsers = BTreeMap::new();
        for role in Role::ALL {
            let person = Person::known(installation, &role.email());
            if role != Role::Guest {
                person.log_in(PASSWORD, &role.name()).await;
            }
            let http = person.visitor.standing_still();
            let page = http.get(format!("{base}/applications"));
            let page = page.header(header::ACCEPT, "application/json");
            let page = page.send().await.unwrap();
            let token = page.headers().get("x-csrf-token");
            let token = token.map(|token| token.to_str().unwrap().to_owned());
            browsers.insert(role, (http, token.unwrap_or_default()));
        }
        Self { base, browsers }
    }

    pub async fn send(&self, role: Role, call: &Call<'_>) -> Answer {
        let (http, token) = &self.browsers[&role];
        let url = format!("{}{}", self.base, call.path);
        let accept = if call.wants_json {
            "application/json"
        } else {
            "text/html"
        };
        let request = http
            .request(call.method.clone(), url)
            .header(header::ACCEPT, accept)
            .header(header::ACCEPT_LANGUAGE, "en");
        let request = if call.method == Method::GET {
            request
        } else {
            let mut fields = call.fields.clone();
            fields.push(("_csrf", token.clone()));
            request.header(header::ORIGIN, &self.base).form(&fields)
        };
        let answer = request.send().await.unwrap();
        let text = |name: header::HeaderName| {
            let value = answer.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let location = text(header::LOCATION);
        Answer {
            status: answer.status().as_u16(),
            location: location.replacen(&self.base, "", 1),
            body: answer.text().await.unwrap(),
        }
    }
}
