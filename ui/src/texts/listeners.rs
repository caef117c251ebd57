//! Listeners of an application.

crate::texts! {
    /// Listeners of an application.
    Listeners {
        title = "Listeners", "Listener";
        lead = "A listener is an address of yours that gets a signed request for each event of this application: a subscription is approved, a key is made or ends, somebody joins.", "Ein Listener ist eine Adresse von Ihnen, die für jedes Ereignis dieser Anwendung eine signierte Anfrage bekommt: Ein Abonnement wird freigegeben, ein Schlüssel entsteht oder endet, jemand kommt dazu.";
        none = "Nobody listens.", "Niemand hört zu.";
        new_listener = "New listener", "Neuer Listener";
        url = "Address", "Adresse";
        url_hint = "https. It answers with 2xx within ten seconds; everything else is tried again.", "https. Sie antwortet binnen zehn Sekunden mit 2xx, alles andere wird wiederholt.";
        events = "Events", "Ereignisse";
        events_hint = "Kinds such as subscription.* or application.update, with blanks between them. Without any: all of this application.", "Arten wie subscription.* oder application.update, durch Leerzeichen getrennt. Ohne Angabe: alle dieser Anwendung.";
        all_events = "All", "Alle";
        format = "Form of the requests", "Form der Anfragen";
        standard = "Standard Webhooks", "Standard Webhooks";
        cloudevents = "CloudEvents", "CloudEvents";
        create = "Create listener", "Listener anlegen";
        created = "The new listener signs with this secret", "Der neue Listener unterschreibt mit diesem Geheimnis";
        check_signature = "Check the header webhook-signature with it (Standard Webhooks): HMAC-SHA256 over id, time and body.", "Prüfen Sie damit den Header webhook-signature (Standard Webhooks): HMAC-SHA256 über Id, Zeit und Body.";
        settings = "Settings", "Einstellungen";
        save = "Save", "Speichern";
        saved = "The listener is changed.", "Der Listener ist geändert.";
        remove = "Delete listener", "Listener löschen";
        remove_hint = "What waits for it is dropped.", "Was auf ihn wartet, wird verworfen.";
        removed = "The listener is deleted.", "Der Listener ist gelöscht.";
    }
}
