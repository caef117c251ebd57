//! What a row needs to happen in, made anew after each call that changes it.

use reqwest::Method;
use serde_json::Value;

use super::people::{Call, People, Role, SPARE};

/// How much of a scene a row needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    Nothing,
    /// A team of which the owner, the collaborator and the reader are members.
    Team,
    /// An application with somebody of each role.
    Application,
    /// And its subscriptions: one with a key, one with a client, one that waits.
    Subscriptions,
}

#[derive(Clone, Default)]
pub struct Scene {
    id: String,
    approval: String,
    credential: String,
    invitation: String,
    listener: String,
}

impl Scene {
    pub async fn set(people: &People, needs: Needs) -> Self {
        let mut scene = Self {
            id: format!("a{}", &service::random::hex_id()[..15]),
            ..Self::default()
        };
        if needs == Needs::Team {
            scene.add_team(people).await;
        }
        if needs >= Needs::Application {
            scene.add_application(people).await;
        }
        if needs >= Needs::Subscriptions {
            scene.add_subscriptions(people).await;
        }
        scene
    }

    async fn add_team(&self, people: &People) {
        let fields = [("id", "{app}"), ("name", "The team")];
        self.done(people, "/teams", &fields).await;
        for role in [Role::Collaborator, Role::Reader] {
            let (email, name) = (role.email(), format!("{role:?}").to_lowercase());
            let fields = [("email", email.as_str()), ("role", name.as_str())];
            self.done(people, "/teams/{app}/members", &fields).await;
        }
    }

    async fn add_application(&mut self, people: &People) {
        let fields = [("appid", "{app}"), ("appname", "The application")];
        self.done(people, "/applications/register", &fields).await;
        for role in [Role::Collaborator, Role::Reader] {
            let (email, name) = (role.email(), format!("{role:?}").to_lowercase());
            let fields = [("owneremail", email.as_str()), ("ownerrole", name.as_str())];
            self.done(people, "/applications/{app}/owners/add", &fields)
                .await;
        }
        self.give_to_a_team(people).await;
        let fields = [("email", "guest@example.org"), ("role", "reader")];
        let invitation = self
            .done(people, "/applications/{app}/invitations", &fields)
            .await;
        self.invitation = text(&invitation["id"]);
        let fields = [("url", "https://listener.example.org/")];
        let made = self
            .done(people, "/applications/{app}/listeners", &fields)
            .await;
        self.listener = text(&made["listener"]["id"]);
    }

    /// Whose members have their roles by it alone.
    async fn give_to_a_team(&self, people: &People) {
        let team = "{app}-crew";
        let fields = [("id", team), ("name", "The crew")];
        self.done(people, "/teams", &fields).await;
        for role in Role::ALL {
            let Some(own) = role.by_team() else {
                continue;
            };
            let (email, name) = (role.email(), format!("{own:?}").to_lowercase());
            let fields = [("email", email.as_str()), ("role", name.as_str())];
            let members = format!("/teams/{team}/members");
            self.done(people, &members, &fields).await;
        }
        self.done(people, "/applications/{app}/patch", &[("team", team)])
            .await;
    }

    async fn add_subscriptions(&mut self, people: &People) {
        for (api, plan) in [("petstore", "free"), ("orders", "free"), ("ledger", "team")] {
            let path = format!("/applications/{{app}}/subscribe/{api}");
            self.done(people, &path, &[("plan", plan)]).await;
        }
        let path = "/applications/{app}/subscriptions/petstore/credentials";
        let credentials = self.read(people, Role::Owner, path).await;
        self.credential = text(&credentials["credentials"][0]["id"]);
        let approvals = self.read(people, Role::Admin, "/admin/approvals").await;
        let mut approvals = approvals["approvals"].as_array().unwrap().iter();
        let own = approvals.find(|one| one["application"]["id"] == self.id.as_str());
        self.approval = text(&own.unwrap()["id"]);
    }

    /// Something that the owner does.
    async fn done(&self, people: &People, path: &str, fields: &[(&'static str, &str)]) -> Value {
        let call = Call {
            method: Method::POST,
            path: self.filled(path),
            fields: fields
                .iter()
                .map(|(name, value)| (*name, self.filled(value)))
                .collect(),
            wants_json: true,
        };
        let answer = people.send(Role::Owner, &call).await;
        assert!(
            answer.status < 300,
            "{path}: {} {}",
            answer.status,
            answer.body
        );
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    async fn read(&self, people: &People, role: Role, path: &str) -> Value {
        let call = Call {
            method: Method::GET,
            path: self.filled(path),
            fields: Vec::new(),
            wants_json: true,
        };
        let answer = people.send(role, &call).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// A text with the things of this scene.
    pub fn filled(&self, text: &str) -> String {
        [
            ("{app}", self.id.as_str()),
            ("{approval}", &self.approval),
            ("{credential}", &self.credential),
            ("{invitation}", &self.invitation),
            ("{listener}", &self.listener),
            ("{spare}", SPARE),
            ("{owner}", &Role::Owner.name()),
            ("{reader}", &Role::Reader.name()),
        ]
        .iter()
        .fold(text.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
