use kong::Kind;
use serde_json::json;

use super::*;

fn row(kind: Kind, fields: &Value) -> Row {
    let fields = kong::schema::entity::examine(kind, fields.as_object().unwrap().clone()).unwrap();
    let id = Uuid::new_v4();
    Row::new(kind, id, 0, &fields)
}

/// An upstream with these targets and weights.
fn upstream(mut fields: Value, targets: &[(&str, u32)]) -> Upstream {
    fields["name"] = json!("up");
    let id = Uuid::new_v4();
    let targets: Vec<Row> = targets
        .iter()
        .enumerate()
        .map(|(position, (target, weight))| {
            let fields = json!({"target": target, "weight": weight, "upstream": {"id": id}, "created_at": position});
            row(Kind::Target, &fields)
        })
        .collect();
    Upstream::new(&row(Kind::Upstream, &fields), &targets, None).unwrap()
}

fn counts(upstream: &Upstream, requests: u64, hash: impl Fn(u64) -> Option<u64>) -> Vec<u32> {
    let mut counts = vec![0; upstream.peers.len()];
    for request in 0..requests {
        counts[upstream.choose(hash(request), &[]).unwrap()] += 1;
    }
    counts
}

#[test]
fn weights_are_exact() {
    let upstream = upstream(json!({}), &[("a", 100), ("b", 50), ("c", 0)]);
    assert_eq!(counts(&upstream, 1500, |_| None), [1000, 500, 0]);
}

#[test]
fn each_address_of_a_name_has_its_weight() {
    let upstream = upstream(json!({}), &[("a", 100), ("b", 100)]);
    upstream.leads_to(0, 3);
    assert_eq!(counts(&upstream, 400, |_| None), [300, 100]);
    upstream.leads_to(0, 1);
    assert_eq!(counts(&upstream, 400, |_| None), [200, 200]);
    let hash = |number: u64| Some(choice::hash(&number.to_be_bytes()));
    let hashed = super::tests::upstream(json!({"hash_on": "ip"}), &[("a", 100), ("b", 100)]);
    hashed.leads_to(0, 3);
    let shares = counts(&hashed, 10_000, hash);
    assert!((6_300..8_500).contains(&shares[0]), "{shares:?}");
}

#[test]
fn a_peer_that_goes_moves_only_its_own_share() {
    let hash = |number: u64| Some(choice::hash(&number.to_be_bytes()));
    let fields = || json!({"hash_on": "ip"});
    let three = upstream(fields(), &[("a", 100), ("b", 100), ("c", 100)]);
    let two = upstream(fields(), &[("a", 100), ("b", 100)]);
    let kept = (0..10_000)
        .filter(|number| {
            let name = |upstream: &Upstream| {
                upstream.peers[upstream.choose(hash(*number), &[]).unwrap()]
                    .name
                    .clone()
            };
            name(&three) == name(&two)
        })
        .count();
    assert!(kept >= 6_300, "{kept}");
    let shares = counts(&three, 10_000, hash);
    assert!(
        shares.iter().all(|share| (2_500..4_200).contains(share)),
        "{shares:?}"
    );
}

#[test]
fn the_least_busy_gets_the_next_one() {
    let upstream = upstream(
        json!({"algorithm": "least-connections"}),
        &[("a", 100), ("b", 100)],
    );
    let busy = upstream.peers[0].state.open();
    assert_eq!(upstream.choose(None, &[]), Some(1));
    let _other = (
        upstream.peers[1].state.open(),
        upstream.peers[1].state.open(),
    );
    assert_eq!(upstream.choose(None, &[]), Some(0));
    drop(busy);
}

#[test]
fn those_that_failed_are_tried_last() {
    let upstream = upstream(json!({}), &[("a", 1), ("b", 1)]);
    for _ in 0..4 {
        assert_eq!(upstream.choose(None, &[0]), Some(1));
    }
    assert!(upstream.choose(None, &[0, 1]).is_some());
}

#[test]
fn failures_make_ill_and_a_threshold_closes_all() {
    let checks = json!({
        "passive": {"unhealthy": {"tcp_failures": 2, "http_failures": 1, "timeouts": 1}},
        "threshold": 60,
    });
    let upstream = upstream(
        json!({"healthchecks": checks}),
        &[("a", 1), ("b", 1), ("c", 2)],
    );
    let see = |peer: usize, sign| {
        upstream
            .checks
            .seen(&upstream.peers[peer].state.health, sign);
    };
    see(0, Sign::Broken);
    see(0, Sign::Status(200));
    see(0, Sign::Broken);
    assert!(
        upstream.peers[0].is_available(),
        "a success in between starts anew"
    );
    see(0, Sign::Broken);
    assert!(!upstream.peers[0].is_available());
    see(1, Sign::Status(404));
    assert!(upstream.is_available());
    see(1, Sign::Status(500));
    assert!(
        !upstream.is_available(),
        "half of the weight is below 60 percent"
    );
    assert_eq!(upstream.choose(None, &[]), None);
    upstream.peers[0].state.health.set(true);
    assert!(upstream.is_available());
}
