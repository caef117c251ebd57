//! APIs of the sample that no program of their own is behind: the gateway asks a database, or several
//! backends at once.

use serde_json::{Value, json};

use crate::{
    journey::Person,
    support::{Installation, Shape, Visitor},
};

#[tokio::test]
async fn the_sample_answers_from_a_database_and_from_several_backends() {
    let Some(installation) = Installation::start(Shape::OneProcess).await else {
        return;
    };
    let ada = Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;
    let call = async |path: &str, key: &str| {
        let url = installation.gateway() + path;
        let call = installation.http.get(url).header("x-apikey", key);
        let answer = call.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap_or_default())
    };
    let key = ada
        .subscribe_new_application("ada-shop", "products", "free")
        .await;
    let (status, maps) = call("/products/v1/products?category=maps", &key).await;
    assert_eq!(status, 200, "{maps}");
    assert_eq!(maps[1]["name"], "Trail map, south");
    let (status, one) = call("/products/v1/products/6", &key).await;
    assert_eq!((status, &one["price"]), (200, &json!(24.9)));
    let (status, fault) = call("/products/v1/products?limit=1000", &key).await;
    assert_eq!(status, 400);
    assert!(fault["fields"]["limit"].is_string(), "{fault}");
    assert_eq!(call("/products/v1/products/99", &key).await.0, 404);
    assert_eq!(call("/products/v1/products", "wrong").await.0, 401);

    let key = ada
        .subscribe_new_application("ada-walks", "today", "free")
        .await;
    let (status, pet) = call("/today/v1/pets/1?zone=%2B09:00", &key).await;
    assert_eq!(status, 200, "{pet}");
    assert!(pet["name"].is_string() && pet["isAvailable"].is_boolean());
    assert!(
        pet["now"]
            .as_str()
            .is_some_and(|now| now.ends_with("+09:00")),
        "{pet}"
    );
    assert_eq!(call("/today/v1/pets/999999", &key).await.0, 404);

    // Its definition is made of the statements, which nobody gets to see.
    let guest = Visitor::default();
    let page = guest
        .open(&(installation.portal() + "/apis/products/reference"))
        .await;
    let page = page.expect(200);
    assert!(
        page.text().contains("Products, the cheapest first"),
        "{}",
        page.text()
    );
    assert!(!page.text().contains("select id"));
}
