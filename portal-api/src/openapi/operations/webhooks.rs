//! The event bus.

use sdk::types::{
    Event, ListenerRegistration,
    listeners::{
        BulkAck, CreatedListener, DeadLetter, DeliveryInfo, Disable, NewSecret, Replay, Requeued,
        RotateSecret, Stats, TestResult,
    },
};
use serde_json::json;

use crate::openapi::operation::{Operation, Who, delete, get, post, put};

const LISTENER: &str = "/webhooks/listeners/{listener}";
const QUEUE: &str = "/webhooks/events/{listener}";

pub fn operations() -> Vec<Operation> {
    let mut all = listeners();
    all.extend(work(&OF_INSTALLATION));
    all.extend(queues());
    all
}

/// Who may work with a listener, and where.
struct Place {
    read: fn(Operation) -> Operation,
    write: fn(Operation) -> Operation,
    enable: &'static str,
    disable: &'static str,
    secret: &'static str,
    key: &'static str,
    stats: &'static str,
    test: &'static str,
    deliveries: &'static str,
    delivery: &'static str,
    dead: &'static str,
    retry_all: &'static str,
    letter: &'static str,
    retry: &'static str,
    replay: &'static str,
}

const OF_INSTALLATION: Place = Place {
    read: admin,
    write: admin,
    enable: "/webhooks/listeners/{listener}/enable",
    disable: "/webhooks/listeners/{listener}/disable",
    secret: "/webhooks/listeners/{listener}/secret",
    key: "/webhooks/listeners/{listener}/secret/{key}",
    stats: "/webhooks/listeners/{listener}/stats",
    test: "/webhooks/listeners/{listener}/test",
    deliveries: "/webhooks/deliveries/{listener}",
    delivery: "/webhooks/deliveries/{listener}/{event}",
    dead: "/webhooks/dead/{listener}",
    retry_all: "/webhooks/dead/{listener}/retry",
    letter: "/webhooks/dead/{listener}/{event}",
    retry: "/webhooks/dead/{listener}/{event}/retry",
    replay: "/webhooks/replay/{listener}",
};

const OF_APPLICATION: Place = Place {
    read,
    write,
    enable: "/applications/{application}/listeners/{listener}/enable",
    disable: "/applications/{application}/listeners/{listener}/disable",
    secret: "/applications/{application}/listeners/{listener}/secret",
    key: "/applications/{application}/listeners/{listener}/secret/{key}",
    stats: "/applications/{application}/listeners/{listener}/stats",
    test: "/applications/{application}/listeners/{listener}/test",
    deliveries: "/applications/{application}/listeners/{listener}/deliveries",
    delivery: "/applications/{application}/listeners/{listener}/deliveries/{event}",
    dead: "/applications/{application}/listeners/{listener}/dead",
    retry_all: "/applications/{application}/listeners/{listener}/dead/retry",
    letter: "/applications/{application}/listeners/{listener}/dead/{event}",
    retry: "/applications/{application}/listeners/{listener}/dead/{event}/retry",
    replay: "/applications/{application}/listeners/{listener}/replay",
};

fn admin(operation: Operation) -> Operation {
    operation.who(Who::Admin).scope(&["webhooks"])
}

fn read(operation: Operation) -> Operation {
    operation.who(Who::Reader).scope(&["read_applications"])
}

fn write(operation: Operation) -> Operation {
    operation
        .who(Who::Collaborator)
        .scope(&["write_applications"])
}

/// For those who work on an application.
pub fn of_applications() -> Vec<Operation> {
    const ALL: &str = "/applications/{application}/listeners";
    const ONE: &str = "/applications/{application}/listeners/{listener}";
    let example = || json!({"url": "https://crm.example.org/hook", "format": "standard", "events": ["subscription.*"]});
    let mut all = vec![
        read(get(ALL, "The listeners of an application"))
            .answers_list_or_page::<ListenerRegistration>()
            .refuses(&[404]),
        write(post(
            ALL,
            "Make a listener for the events of an application",
        ))
        .about(
            "Its id is made here, its requests are signed, and an answer of 2xx acknowledges. \
                 The secret is shown this once. At most ten per application.",
        )
        .takes::<ListenerRegistration>(example())
        .answers::<CreatedListener>()
        .refuses(&[404, 409]),
        write(put(ONE, "Change a listener"))
            .takes::<ListenerRegistration>(example())
            .status(200)
            .answers::<ListenerRegistration>()
            .refuses(&[404]),
        write(delete(ONE, "Delete a listener with its queue")).refuses(&[404]),
    ];
    all.extend(work(&OF_APPLICATION));
    all
}

fn listeners() -> Vec<Operation> {
    vec![
        admin(get("/webhooks/listeners", "All webhook listeners"))
            .query("detail", "`true`: with all their settings")
            .answers_list_or_page::<ListenerRegistration>(),
        admin(put(LISTENER, "Register a listener, or change it"))
            .about(
                "A component registers itself with its service token. Members that are left out \
                 have their default, except `headers`, which then stay as they are.",
            )
            .takes::<ListenerRegistration>(json!({
                "id": "crm-sync", "url": "https://crm.example.org/hook",
            }))
            .status(200)
            .answers_object(),
        admin(delete(LISTENER, "Delete a listener with its queue")).refuses(&[404]),
    ]
}

/// What is done with one listener.
fn work(place: &Place) -> Vec<Operation> {
    let &Place { read, write, .. } = place;
    vec![
        write(post(place.enable, "Go on sending"))
            .about("A test is sent first; if it fails, the listener stays off.")
            .status(204)
            .refuses(&[404, 409]),
        write(post(place.disable, "Pause a listener; its events wait"))
            .takes::<Disable>(json!({"reason": "maintenance"}))
            .status(204)
            .refuses(&[404]),
        write(post(place.secret, "Make a secret to sign requests with"))
            .about(
                "Standard Webhooks 1.0. The secret is shown this once. Older ones go on signing, \
                 too, for `overlapSeconds`.",
            )
            .takes::<RotateSecret>(json!({"overlapSeconds": 86400}))
            .answers::<NewSecret>()
            .refuses(&[404, 409]),
        write(delete(place.key, "End a secret at once")).refuses(&[404]),
        read(get(place.stats, "How a listener has been doing"))
            .answers::<Stats>()
            .refuses(&[404]),
        write(post(place.test, "Send a test outside the queue"))
            .about(
                "Listeners of mode `explicit` are asked for their health instead: they need not \
                 know the test event.",
            )
            .status(200)
            .answers::<TestResult>()
            .refuses(&[404, 409]),
        read(get(
            place.deliveries,
            "What was delivered, the newest first",
        ))
        .query("state", "`pending`, `in_flight`, `acked` or `dead`")
        .query("event", "A kind such as `subscription.add`")
        .query("from", "Events from this time on")
        .query("cursor", "`next` of the page before")
        .query("limit", "Deliveries of a page, up to 500")
        .answers_cursor_page::<DeliveryInfo>()
        .refuses(&[400, 404]),
        read(get(place.delivery, "One delivery with every request"))
            .answers::<DeliveryInfo>()
            .refuses(&[404]),
        read(get(place.dead, "Deliveries that were given up"))
            .query("offset", "Where the page begins")
            .query("limit", "Entries of a page, up to 1000")
            .answers_plain_page::<DeadLetter>()
            .refuses(&[404]),
        write(delete(place.dead, "Drop all of them")).refuses(&[404]),
        write(post(place.retry_all, "Queue all of them again"))
            .status(200)
            .answers::<Requeued>()
            .refuses(&[404]),
        write(delete(place.letter, "Drop one of them")).refuses(&[404]),
        write(post(place.retry, "Queue one of them again"))
            .status(204)
            .refuses(&[404]),
        write(post(place.replay, "Queue events again that are still kept"))
            .about(
                "Either `ids`, or everything from `from` on. They come with the same ids and \
             `replay: true`.",
            )
            .takes::<Replay>(json!({"from": 1, "events": ["subscription.*"]}))
            .status(202)
            .answers::<Requeued>()
            .refuses(&[404]),
    ]
}

fn queues() -> Vec<Operation> {
    vec![
        admin(get(QUEUE, "Events that a listener has not acknowledged"))
            .about("The header `X-Queue-Length` says how many there are.")
            .query("wait", "Seconds to wait for an event, up to 60")
            .answers_list_or_page::<Event>()
            .refuses(&[404]),
        admin(delete(QUEUE, "Drop the queue of a listener")).refuses(&[404]),
        admin(post(
            "/webhooks/events/{listener}/ack",
            "Acknowledge several events",
        ))
        .takes::<BulkAck>(json!({"ids": ["0192f0c4-1f3b-7c7e-8d5a-3b1f0a9c2d11"]}))
        .status(204)
        .refuses(&[404]),
        admin(delete(
            "/webhooks/events/{listener}/{event}",
            "Acknowledge one event",
        ))
        .refuses(&[404]),
        admin(get(
            "/webhooks/stream/{listener}",
            "The queue as server-sent events, as they come",
        ))
        .query("wait", "Ends when no event came for so many seconds")
        .header("Last-Event-ID", "Go on after this event")
        .answers_text("text/event-stream")
        .refuses(&[404]),
    ]
}
