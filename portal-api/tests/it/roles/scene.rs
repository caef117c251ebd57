//! What a row needs to happen in: an application with everybody on it, made anew for each call.

use serde_json::{Value, json};
use service::{ServiceName, random};

use super::{Role, rows::Row};
use crate::{
    authorization::ALL_SCOPES,
    support::{ADMIN, Client, TestApi},
};

/// Marks a row that is called with a verification id.
const VERIFIED: &str = "+X-VerificationId";

/// Marks a row that is called with a key of the gateway.
const WITH_KEY: &str = "+X-Consumer-Id";

const OTHER: &str = "other-user";
const READER: &str = "reader-user";
const COLLABORATOR: &str = "collab-user";
const APPROVER: &str = "approver-user";

/// How much of a scene a row needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Only what is always there.
    Nothing,
    /// A user without applications; he is the owner of the row.
    User,
    /// A team with users of each role.
    Team,
    /// An application with users of each role.
    Application,
    /// And its subscriptions: one in force, one that waits.
    Subscriptions,
}

const APIS: &str = r#"{"apis": [
  {"id": "petstore", "name": "Pets", "auth": "key-auth", "plans": ["free", "team", "unlimited"]},
  {"id": "orders", "name": "Orders", "auth": "oauth2", "plans": ["free", "team"],
   "authMethods": ["default:local"],
   "settings": {"enable_client_credentials": true, "token_expiration": 3600,
     "scopes": {"read_orders": {"description": "Read"}}}},
  {"id": "timezones", "name": "Clock", "auth": "key-auth", "plans": ["free", "team"],
   "requiredGroup": "partners"}
]}"#;

/// The configuration of these tests.
pub fn files() -> Vec<(&'static str, String)> {
    let tree = config::Tree::sample();
    let mut globals: Value = serde_json::from_slice(tree.get("globals.json").unwrap()).unwrap();
    let user = |id: &str, groups: &[&str]| json!({"id": id, "email": format!("{id}@example.org"), "groups": groups});
    globals["initialUsers"] = json!([
        user(ADMIN, &["admin"]),
        user(OTHER, &["dev"]),
        user(READER, &["dev"]),
        user(COLLABORATOR, &["dev"]),
        user(APPROVER, &["approvers", "partners"]),
    ]);
    globals.as_object_mut().unwrap().remove("credentials");
    vec![
        ("globals.json", globals.to_string()),
        ("apis/apis.json", APIS.to_owned()),
    ]
}

pub struct Scene<'a> {
    api: &'a TestApi,
    /// Also the id of the owner and of the listener.
    id: String,
    approval: String,
    credential: String,
    client: String,
    verification: String,
    invitation: String,
    /// Invitation into a pool.
    guest: String,
    /// Of the application.
    listener: String,
}

impl<'a> Scene<'a> {
    pub async fn set(api: &'a TestApi, needs: Needs) -> Self {
        let mut scene = Self {
            api,
            id: format!("a{}", &random::hex_id()[..15]),
            approval: "none".to_owned(),
            credential: "none".to_owned(),
            client: "none".to_owned(),
            verification: "none".to_owned(),
            invitation: "none".to_owned(),
            guest: "none".to_owned(),
            listener: "none".to_owned(),
        };
        if needs >= Needs::User {
            scene.add_user().await;
        }
        if needs == Needs::Team {
            scene.add_team().await;
        }
        if needs >= Needs::Application {
            scene.add_application().await;
        }
        if needs >= Needs::Subscriptions {
            scene.add_subscriptions().await;
        }
        scene
    }

    /// An administrator inside the network.
    fn stage_hand(&self) -> Client<'a> {
        self.api
            .anonymous()
            .header("x-authenticated-userid", format!("sub={ADMIN}"))
            .header("x-authenticated-scope", ALL_SCOPES)
    }

    async fn add_user(&mut self) {
        let hand = self.stage_hand();
        let email = format!("{}@example.org", self.id);
        let body = json!({"id": self.id, "email": email, "customId": format!("test:{}", self.id),
            "validated": true, "groups": ["partners"], "password": "Difference-1"});
        hand.post("/users", body).await.expect(201);
        let path = format!("/registrations/pools/wicked/users/{}", self.id);
        hand.put(&path, json!({"name": "Owner"})).await.expect(204);
        let path = format!("/grants/{}/applications/__portal/apis/orders", self.id);
        let body = json!({"grants": [{"scope": "read_orders"}]});
        hand.put(&path, body).await.expect(204);
        let path = format!("/pools/tenants/namespaces/{}", self.id);
        hand.put(&path, json!({"description": "Namespace"}))
            .await
            .expect(204);
        let body = json!({"email": format!("guest-of-{}@example.org", self.id)});
        let path = "/registrations/pools/guests/invitations";
        let made = hand.post(path, body).await.expect(201).json();
        made["id"].as_str().unwrap().clone_into(&mut self.guest);
        let path = format!("/webhooks/listeners/{}", self.id);
        let body =
            json!({"id": self.id, "url": "https://listener.example.org/", "events": ["x.y"]});
        hand.put(&path, body).await.expect(200);
        let body = json!({"type": "email", "email": email, "link": "https://p/{{id}}"});
        hand.post("/verifications", body).await.expect(204);
        let path = format!(r#"/verifications?cursor=&filter={{"email":{{"eq":"{email}"}}}}"#);
        let list = hand.get(&path).await.expect(200).json();
        list["items"][0]["id"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.verification);
    }

    async fn add_team(&self) {
        let owner = self.user(&self.id);
        let body = json!({"id": self.id, "name": "Team"});
        owner.post("/teams", body).await.expect(201);
        for (user, role) in [(READER, "reader"), (COLLABORATOR, "collaborator")] {
            let path = format!("/teams/{}/members/{user}", self.id);
            let body = json!({"role": role});
            owner.put(&path, body).await.expect(200);
        }
    }

    async fn add_application(&mut self) {
        let owner = self.user(&self.id.clone());
        let body = json!({"id": self.id, "name": "Application", "clientType": "confidential"});
        owner.post("/applications", body).await.expect(201);
        for (user, role) in [(READER, "reader"), (COLLABORATOR, "collaborator")] {
            let body = json!({"email": format!("{user}@example.org"), "role": role});
            let path = format!("/applications/{}/owners", self.id);
            owner.post(&path, body).await.expect(201);
        }
        let path = format!("/applications/{}/invitations", self.id);
        let body = json!({"email": "guest@example.org", "role": "reader"});
        let invitation = owner.post(&path, body).await.expect(201).json();
        invitation["id"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.invitation);
        let path = format!("/applications/{}/listeners", self.id);
        let body = json!({"url": "https://listener.example.org/", "events": ["x.y"]});
        let made = owner.post(&path, body).await.expect(201).json();
        made["listener"]["id"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.listener);
    }

    async fn add_subscriptions(&mut self) {
        let owner = self.user(&self.id.clone());
        let path = format!("/applications/{}/subscriptions", self.id);
        let subscribe = async |api: &str, plan: &str| {
            let body = json!({"application": self.id, "api": api, "plan": plan});
            owner.post(&path, body).await.expect(201).json()
        };
        let client = subscribe("orders", "free").await;
        let _waiting = subscribe("timezones", "team").await;
        client["clientId"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.client);
        let credentials = owner
            .get(&format!("{path}/orders/credentials"))
            .await
            .expect(200)
            .json();
        credentials[0]["id"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.credential);
        let approvals = format!(
            r#"/approvals?cursor=&filter={{"application":{{"eq":"{}"}}}}"#,
            self.id
        );
        let approvals = self.stage_hand().get(&approvals).await.expect(200).json();
        approvals["items"][0]["id"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.approval);
    }

    fn user(&self, id: &str) -> Client<'a> {
        self.api.user_at_gateway(id, ALL_SCOPES)
    }

    pub fn caller(&self, role: Role, row: &Row) -> Client<'a> {
        let client = match role {
            Role::Anonymous => self
                .api
                .anonymous()
                .header("x-consumer-custom-id", "outside"),
            Role::Other => self.user(OTHER),
            Role::Reader => self.user(READER),
            Role::Collaborator => self.user(COLLABORATOR),
            Role::Owner if row.needs == Needs::Nothing => self.user(OTHER),
            Role::Owner => self.user(&self.id),
            Role::Approver => self.user(APPROVER),
            Role::Admin => self.user(ADMIN),
            Role::Machine => self.api.service(machine_of(row)),
        };
        if row.path.ends_with(VERIFIED) {
            client.header("x-verificationid", &self.verification)
        } else if row.path.ends_with(WITH_KEY) {
            client.header("x-consumer-id", "key")
        } else {
            client
        }
    }

    /// The address with the parts that stand for things of this scene.
    pub fn address(&self, path: &str) -> String {
        let path = path.trim_end_matches(VERIFIED).trim_end_matches(WITH_KEY);
        let is_credential = path.contains("/credentials/");
        let api = if path.contains("/credentials")
            || path.contains("/usage")
            || path.contains("/limits")
            || path.starts_with("/grants")
        {
            "orders"
        } else if path.starts_with("/apis/") {
            "petstore"
        } else {
            "timezones"
        };
        let application = if path.starts_with("/grants") {
            "__portal"
        } else {
            self.id.as_str()
        };
        let pool = if path.contains("/namespaces") {
            "tenants"
        } else if path.starts_with("/registrations") && path.contains("/invitations") {
            "guests"
        } else {
            "wicked"
        };
        let id = if is_credential {
            &self.credential
        } else if path.contains("{pool}/invitations/") {
            &self.guest
        } else if path.contains("/invitations/") {
            &self.invitation
        } else if path.starts_with("/verifications") {
            &self.verification
        } else {
            &self.approval
        };
        let name = if path.starts_with("/leases") {
            "kong-adapter"
        } else {
            "verify_email"
        };
        let mut address = [
            ("{api}", api),
            ("{application}", application),
            ("{team}", &self.id),
            (
                "{user}",
                if path.starts_with("/teams") {
                    READER
                } else {
                    &self.id
                },
            ),
            ("{pool}", pool),
            ("{namespace}", &self.id),
            ("{server}", "default"),
            ("{name}", name),
            ("{*path}", "help"),
            (
                "{listener}",
                if path.starts_with("/applications") {
                    &self.listener
                } else {
                    &self.id
                },
            ),
            ("{event}", "none"),
            ("{key}", "none"),
            ("{date}", "2020-01-01"),
            ("{client_id}", &self.client),
            ("{id}", id),
        ]
        .iter()
        .fold(path.to_owned(), |path, (name, value)| {
            path.replace(name, value)
        });
        if path == "/applications/{application}/owners" {
            address.push_str("?userEmail=reader-user@example.org");
        }
        if path.starts_with("/leases") {
            address.push_str("?holder=one");
        }
        address
    }

    pub fn body(&self, row: &Row) -> Option<Value> {
        // Mails keep their placeholder.
        let text = row
            .body?
            .replace("{{id}}", "{{mail}}")
            .replace("{id}", &self.id)
            .replace("{new}", &random::hex_id()[..12])
            .replace("{verification}", &self.verification)
            .replace("{{mail}}", "{{id}}");
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}")))
    }
}

/// The service to which a row belongs; the adapter for those that belong to none.
fn machine_of(row: &Row) -> ServiceName {
    if row.path.ends_with("/verify") || row.path.starts_with("/auditlog/records") {
        ServiceName::AuthServer
    } else if matches!(row.path, "/export" | "/import") {
        ServiceName::PortalApi
    } else {
        ServiceName::GatewayAdapter
    }
}
