//! Taking over the data of a wicked installation (portal-api 27), from a database and a file store
//! as it writes them.

mod source;

use portal_api::import::{Options, Prefixes, Report, Source};
use serde_json::{Value, json};
use service::ServiceName;

use crate::support::{ADMIN, Postgres, Stopped, TestApi};
use source::{KEY, folder, old_folder, postgres};

const SCOPES: &str = "read_users login read_applications read_subscriptions read_approvals \
    read_grants read_registrations read_namespaces read_verifications read_auditlog";

/// An installation that shows secrets as wicked did.
struct Installation(Stopped);

fn globals() -> String {
    let sample = config::Tree::sample();
    let mut globals: Value = serde_json::from_slice(sample.get("globals.json").unwrap()).unwrap();
    globals["credentials"]["reveal"] = "classic".into();
    globals["initialUsers"] =
        json!([{"id": ADMIN, "email": "admin@localhost.org", "groups": ["admin"]}]);
    globals.to_string()
}

/// One that has never served anybody.
async fn fresh() -> Installation {
    stop(TestApi::with_files(&[("globals.json", &globals())]).await).await
}

async fn stop(api: TestApi) -> Installation {
    Installation(api.into_parts().await)
}

impl Installation {
    async fn import(
        &self,
        source: &Source,
        options: &Options,
        key: Option<&str>,
    ) -> anyhow::Result<Report> {
        let globals = globals();
        self.0
            .import(source, options, &[("globals.json", &globals)], key)
            .await
    }

    async fn start(self) -> TestApi {
        self.0.start_with(&[("globals.json", &globals())]).await
    }
}

/// The counts of one kind: found, added, updated, unchanged, kept, left out.
fn counts(report: &Report, kind: &str) -> [u64; 6] {
    let one = report.count(kind);
    [
        one.found,
        one.added,
        one.updated,
        one.unchanged,
        one.kept,
        one.left_out,
    ]
}

/// What people who used wicked find again.
async fn everything_works(api: &TestApi) {
    let auth = api.service(ServiceName::AuthServer);
    let body = json!({"email": "ada@example.org", "password": "super$3cret!"});
    let ada = auth.post("/login", body).await.expect(200).json();
    assert_eq!(ada[0]["id"], "ada");
    assert_eq!(
        ada[0]["applications"],
        json!([{"id": "kiosk"}, {"id": "shop"}])
    );
    let admin = api.user(ADMIN, SCOPES);
    let get = async |path: &str| admin.get(path).await.expect(200).json();
    assert_eq!(
        get("/users?customId=google:7").await[0]["email"],
        "bob@example.org"
    );
    let shop = get("/applications/shop").await;
    assert_eq!(
        (&shop["name"], &shop["clientType"]),
        (&json!("The Shop"), &json!("confidential"))
    );
    assert_eq!(shop["redirectUris"], json!(["https://shop.example/cb"]));
    let owners: Vec<_> = shop["owners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["userId"], &one["role"]))
        .collect();
    assert_eq!(
        owners,
        [
            (&json!("ada"), &json!("owner")),
            (&json!("bob"), &json!("reader"))
        ]
    );
    assert_eq!(get("/applications/kiosk").await["clientType"], "public_spa");
    let pets = get("/applications/shop/subscriptions/petstore").await;
    assert_eq!(
        (&pets["id"], &pets["apikey"]),
        (&json!("sub-pets"), &json!("secret-api-key"))
    );
    let orders = get("/applications/shop/subscriptions/orders").await;
    assert_eq!(
        (&orders["clientId"], &orders["clientSecret"]),
        (&json!("client-1"), &json!("hush-hush"))
    );
    assert_eq!(orders["allowedScopes"], json!(["read_orders"]));
    let secret = json!({"clientSecret": "hush-hush"});
    let verified = auth
        .post("/subscriptions/client-1/verify", secret)
        .await
        .expect(200)
        .json();
    assert_eq!(verified["application"]["id"], "shop");
    let open = get("/approvals").await;
    assert_eq!(open.as_array().unwrap().len(), 1);
    assert_eq!(
        (&open[0]["id"], &open[0]["subscriptionId"]),
        (&json!("appr-1"), &json!("sub-wait"))
    );
    let grants = get("/grants/bob").await;
    assert_eq!(
        grants["items"][0]["grants"][0],
        json!({"scope": "read_orders", "grantedDate": "2020-01-02T03:04:05.678Z"})
    );
    let registered = get("/registrations/users/ada").await;
    assert_eq!(
        registered["pools"]["wicked"][0]["name"], "Ada Lovelace",
        "the newest of two"
    );
    assert_eq!(get("/pools/tenants/namespaces/acme").await["color"], "red");
    let verifications = auth
        .get("/verifications/verify-me")
        .await
        .expect(200)
        .json();
    assert_eq!(verifications["userId"], "bob");
    assert_eq!(
        get("/auditlog?embed=1&filter={\"activity\":\"done import\"}").await["count"],
        1
    );
}

#[tokio::test]
async fn a_wicked_database_is_taken_over_as_it_is() {
    let Some(database) = Postgres::fresh().await else {
        return;
    };
    postgres(&database).await;
    let source = Source::Postgres(database.url());
    let installation = fresh().await;
    let report = installation
        .import(&source, &Options::default(), Some(KEY))
        .await
        .unwrap();
    assert_eq!(counts(&report, "user"), [5, 2, 0, 0, 0, 3]);
    assert_eq!(counts(&report, "application"), [3, 2, 0, 0, 0, 1]);
    assert_eq!(counts(&report, "role"), [5, 3, 0, 0, 0, 1]);
    assert_eq!(counts(&report, "subscription"), [6, 4, 0, 0, 0, 2]);
    assert_eq!(counts(&report, "credential"), [3, 2, 0, 0, 0, 1]);
    assert_eq!(counts(&report, "approval"), [2, 1, 0, 0, 0, 1]);
    assert_eq!(counts(&report, "registration"), [3, 1, 0, 0, 0, 2]);
    assert_eq!(counts(&report, "grant"), [2, 1, 0, 0, 0, 1]);
    assert_eq!(counts(&report, "namespace"), [1, 1, 0, 0, 0, 0]);
    assert_eq!(counts(&report, "verification"), [2, 1, 0, 0, 0, 1]);
    let text = report.to_string();
    for told in [
        "the configuration has no API `gone`",
        "listener kong-adapter",
        "2 events",
        "1 records stay",
        "same mail address",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(
        !text.contains("verify-me"),
        "ids of verifications are secrets"
    );
    let api = installation.start().await;
    everything_works(&api).await;
    let installation = stop(api).await;
    let again = installation
        .import(&source, &Options::default(), Some(KEY))
        .await
        .unwrap();
    assert_eq!(counts(&again, "user"), [5, 0, 0, 2, 0, 3]);
    assert_eq!(counts(&again, "subscription"), [6, 0, 0, 4, 0, 2]);
    assert_eq!(counts(&again, "credential"), [3, 0, 0, 2, 0, 1]);
    assert_eq!(counts(&again, "application"), [3, 0, 0, 2, 0, 1]);
}

#[tokio::test]
async fn a_file_store_is_taken_over_as_it_is() {
    let store = folder();
    let source = Source::parse(store.path().to_str().unwrap()).unwrap();
    let installation = fresh().await;
    let report = installation
        .import(&source, &Options::default(), Some(KEY))
        .await
        .unwrap();
    assert_eq!(counts(&report, "user"), [5, 2, 0, 0, 0, 3], "{report}");
    assert_eq!(
        counts(&report, "registration"),
        [3, 1, 0, 0, 0, 2],
        "{report}"
    );
    let api = installation.start().await;
    everything_works(&api).await;
}

#[tokio::test]
async fn a_dry_run_stores_nothing_and_a_wrong_key_ends_the_import() {
    let store = folder();
    let source = Source::Folder(store.path().to_owned());
    let installation = fresh().await;
    let dry = Options {
        dry_run: true,
        ..Options::default()
    };
    let report = installation.import(&source, &dry, Some(KEY)).await.unwrap();
    assert_eq!(counts(&report, "user")[1], 2);
    for key in [None, Some("another key")] {
        let error = installation
            .import(&source, &Options::default(), key)
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("2 credentials cannot be decrypted"),
            "{error}"
        );
    }
    let api = installation.start().await;
    api.user(ADMIN, SCOPES)
        .get("/applications/shop")
        .await
        .expect(404);
    let installation = stop(api).await;
    let lenient = Options {
        skip_unreadable: true,
        ..Options::default()
    };
    let report = installation.import(&source, &lenient, None).await.unwrap();
    assert_eq!(report.count("credential").added, 1, "the one in clear");
    assert_eq!(report.count("credential").left_out, 2);
}

#[tokio::test]
async fn what_was_changed_here_since_stays() {
    let store = folder();
    let source = Source::Folder(store.path().to_owned());
    let installation = fresh().await;
    installation
        .import(&source, &Options::default(), Some(KEY))
        .await
        .unwrap();
    let api = installation.start().await;
    let body = json!({"id": "shop", "name": "Renamed here"});
    api.user(ADMIN, "write_applications")
        .patch("/applications/shop", body)
        .await
        .expect(200);
    let installation = stop(api).await;
    let mut shop: Value = store.read("applications/shop.json");
    shop["name"] = "Renamed there".into();
    store.write("applications/shop.json", &shop);
    let mut kiosk: Value = store.read("applications/kiosk.json");
    kiosk["name"] = "New kiosk".into();
    kiosk["changedDate"] = 1_600_000_000.into();
    store.write("applications/kiosk.json", &kiosk);
    let report = installation
        .import(&source, &Options::default(), Some(KEY))
        .await
        .unwrap();
    assert_eq!(counts(&report, "application"), [3, 0, 1, 0, 1, 1]);
    let api = installation.start().await;
    let admin = api.user(ADMIN, SCOPES);
    assert_eq!(
        admin.get("/applications/shop").await.json()["name"],
        "Renamed here"
    );
    assert_eq!(
        admin.get("/applications/kiosk").await.json()["name"],
        "New kiosk"
    );
}

#[tokio::test]
async fn data_from_before_1_0_needs_a_mapping_of_custom_ids() {
    let store = old_folder();
    let source = Source::Folder(store.path().to_owned());
    let installation = fresh().await;
    let error = installation
        .import(&source, &Options::default(), None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("prefix `Github`"), "{error}");
    let options = Options {
        prefixes: Prefixes {
            known: [("Github".to_owned(), "github".to_owned())].into(),
            default: Some("adfs".to_owned()),
        },
        ..Options::default()
    };
    let report = installation.import(&source, &options, None).await.unwrap();
    assert_eq!(
        counts(&report, "application"),
        [1, 1, 0, 0, 0, 2],
        "two fall together: {report}"
    );
    let api = installation.start().await;
    let admin = api.user(ADMIN, SCOPES);
    admin.get("/users?customId=github:7").await.expect(200);
    admin.get("/users?customId=adfs:8").await.expect(200);
    assert_eq!(
        admin.get("/applications/myshop").await.expect(200).json()["owners"][0]["userId"],
        "u7"
    );
    let names = admin
        .get("/registrations/pools/wicked")
        .await
        .expect(200)
        .json();
    let names: Vec<_> = names["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["Ada Lovelace", "Unknown User"]);
}

#[tokio::test]
async fn what_is_no_wicked_data_is_refused() {
    let installation = fresh().await;
    let empty = tempfile::tempdir().unwrap();
    let source = Source::Folder(empty.path().to_owned());
    assert!(
        installation
            .import(&source, &Options::default(), None)
            .await
            .is_err()
    );
    std::fs::create_dir(empty.path().join("users")).unwrap();
    std::fs::write(empty.path().join("users/broken.json"), "{").unwrap();
    let error = installation
        .import(&source, &Options::default(), None)
        .await
        .unwrap_err();
    assert!(format!("{error:#}").contains("broken.json"), "{error:#}");
    assert!(Source::parse("/no/such/folder").is_err());
    if let Some(database) = Postgres::fresh().await {
        let source = Source::Postgres(database.url());
        let error = installation
            .import(&source, &Options::default(), None)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("wicked.users"), "{error}");
    }
}
