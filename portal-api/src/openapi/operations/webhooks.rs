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
    all.extend(queues());
    all.extend(dead());
    all
}

/// The same for those who work on an application.
pub fn of_applications() -> Vec<Operation> {
    const ALL: &str = "/applications/{application}/listeners";
    const ONE: &str = "/applications/{application}/listeners/{listener}";
    let example = || json!({"url": "https://crm.example.org/hook", "format": "standard", "events": ["subscription.*"]});
    let mut all = vec![
        read(get(ALL, "The listeners of an application"))
            .answers_list_or_page::<ListenerRegistration>(),
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
            .answers::<ListenerRegistration>(),
        write(delete(ONE, "Delete a listener with its queue")),
        write(post(
            "/applications/{application}/listeners/{listener}/secret",
            "Make a secret; older ones go on for a while",
        ))
        .takes::<RotateSecret>(json!({"overlapSeconds": 86400}))
        .answers::<NewSecret>()
        .refuses(&[404, 409]),
        write(delete(
            "/applications/{application}/listeners/{listener}/secret/{key}",
            "End a secret at once",
        )),
        write(post(
            "/applications/{application}/listeners/{listener}/enable",
            "Go on sending, if a test is answered",
        ))
        .status(204)
        .refuses(&[404, 409]),
        write(post(
            "/applications/{application}/listeners/{listener}/disable",
            "Pause a listener; its events wait",
        ))
        .takes::<Disable>(json!({"reason": "maintenance"}))
        .status(204),
        write(post(
            "/applications/{application}/listeners/{listener}/test",
            "Send a test outside the queue",
        ))
        .status(200)
        .answers::<TestResult>(),
        read(get(
            "/applications/{application}/listeners/{listener}/stats",
            "How a listener has been doing",
        ))
        .answers::<Stats>(),
    ];
    all.extend(queues_of_applications());
    all
}

fn read(operation: Operation) -> Operation {
    operation
        .who(Who::Reader)
        .scope(&["read_applications"])
        .refuses(&[404])
}

fn write(operation: Operation) -> Operation {
    operation
        .who(Who::Collaborator)
        .scope(&["write_applications"])
        .refuses(&[404])
}

fn queues_of_applications() -> Vec<Operation> {
    vec![
        read(get(
            "/applications/{application}/listeners/{listener}/deliveries",
            "What was delivered, the newest first",
        ))
        .query("state", "`pending`, `in_flight`, `acked` or `dead`")
        .query("event", "A kind such as `subscription.add`")
        .query("from", "Events from this time on")
        .query("cursor", "`next` of the page before")
        .query("limit", "Deliveries of a page, up to 500")
        .answers_cursor_page::<DeliveryInfo>()
        .refuses(&[400]),
        read(get(
            "/applications/{application}/listeners/{listener}/deliveries/{event}",
            "One delivery with every request",
        ))
        .answers::<DeliveryInfo>(),
        read(get(
            "/applications/{application}/listeners/{listener}/dead",
            "Deliveries that were given up",
        ))
        .query("offset", "Where the page begins")
        .query("limit", "Entries of a page, up to 1000")
        .answers_plain_page::<DeadLetter>(),
        write(delete(
            "/applications/{application}/listeners/{listener}/dead",
            "Drop all of them",
        )),
        write(post(
            "/applications/{application}/listeners/{listener}/dead/retry",
            "Queue all of them again",
        ))
        .status(200)
        .answers::<Requeued>(),
        write(delete(
            "/applications/{application}/listeners/{listener}/dead/{event}",
            "Drop one of them",
        )),
        write(post(
            "/applications/{application}/listeners/{listener}/dead/{event}/retry",
            "Queue one of them again",
        ))
        .status(204),
        write(post(
            "/applications/{application}/listeners/{listener}/replay",
            "Queue events again that are still kept",
        ))
        .takes::<Replay>(json!({"from": 1}))
        .status(202)
        .answers::<Requeued>(),
    ]
}

fn admin(operation: Operation) -> Operation {
    operation.who(Who::Admin).scope(&["webhooks"])
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
        admin(post(
            "/webhooks/listeners/{listener}/enable",
            "Go on sending",
        ))
        .about("A test is sent first; if it fails, the listener stays off.")
        .status(204)
        .refuses(&[404, 409]),
        admin(post(
            "/webhooks/listeners/{listener}/disable",
            "Pause a listener; its events wait",
        ))
        .takes::<Disable>(json!({"reason": "maintenance"}))
        .status(204)
        .refuses(&[404]),
        admin(post(
            "/webhooks/listeners/{listener}/secret",
            "Make a secret to sign requests with",
        ))
        .about(
            "Standard Webhooks 1.0. The secret is shown this once. Older ones go on signing, too, \
             for `overlapSeconds`.",
        )
        .takes::<RotateSecret>(json!({"overlapSeconds": 86400}))
        .answers::<NewSecret>()
        .refuses(&[404, 409]),
        admin(delete(
            "/webhooks/listeners/{listener}/secret/{key}",
            "End a secret at once",
        ))
        .refuses(&[404]),
        admin(get(
            "/webhooks/listeners/{listener}/stats",
            "How a listener has been doing",
        ))
        .answers::<Stats>()
        .refuses(&[404]),
        admin(post(
            "/webhooks/listeners/{listener}/test",
            "Send a test outside the queue",
        ))
        .about(
            "Listeners of mode `explicit` are asked for their health instead: they need not know \
             the test event.",
        )
        .status(200)
        .answers::<TestResult>()
        .refuses(&[404, 409]),
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
        admin(post(
            "/webhooks/replay/{listener}",
            "Queue events again that are still kept",
        ))
        .about(
            "Either `ids`, or everything from `from` on. They come with the same ids and \
             `replay: true`.",
        )
        .takes::<Replay>(json!({"from": 1, "events": ["subscription.*"]}))
        .status(202)
        .answers::<Requeued>()
        .refuses(&[404]),
        admin(get(
            "/webhooks/deliveries/{listener}",
            "What was delivered, the newest first",
        ))
        .query("state", "`pending`, `in_flight`, `acked` or `dead`")
        .query("event", "A kind such as `subscription.add`")
        .query("from", "Events from this time on")
        .query("cursor", "`next` of the page before")
        .query("limit", "Deliveries of a page, up to 500")
        .answers_cursor_page::<DeliveryInfo>()
        .refuses(&[400, 404]),
        admin(get(
            "/webhooks/deliveries/{listener}/{event}",
            "One delivery with every request",
        ))
        .answers::<DeliveryInfo>()
        .refuses(&[404]),
    ]
}

fn dead() -> Vec<Operation> {
    vec![
        admin(get(
            "/webhooks/dead/{listener}",
            "Deliveries that were given up",
        ))
        .query("offset", "Where the page begins")
        .query("limit", "Entries of a page, up to 1000")
        .answers_plain_page::<DeadLetter>()
        .refuses(&[404]),
        admin(post(
            "/webhooks/dead/{listener}/retry",
            "Queue all of them again",
        ))
        .status(200)
        .answers::<Requeued>()
        .refuses(&[404]),
        admin(delete("/webhooks/dead/{listener}", "Drop all of them")).refuses(&[404]),
        admin(post(
            "/webhooks/dead/{listener}/{event}/retry",
            "Queue one of them again",
        ))
        .status(204)
        .refuses(&[404]),
        admin(delete(
            "/webhooks/dead/{listener}/{event}",
            "Drop one of them",
        ))
        .refuses(&[404]),
    ]
}
