//! The approval queue.

crate::texts! {
    /// The approval queue.
    Approvals {
        title = "Approvals", "Freigaben";
        no_reason = "No reason was given.", "Ohne Begründung.";
        decide = "Decide", "Entscheiden";
        administration = "Administration", "Verwaltung";
        plural open = "{n} open request" | "{n} open requests", "{n} offene Anfrage" | "{n} offene Anfragen";
        empty = "Nothing to decide.", "Nichts zu entscheiden.";
        empty_text = "Requests for plans with approval and for trusted access appear here.", "Hier erscheinen Anfragen nach Tarifen mit Freigabe und nach vertrautem Zugang.";
        heading(api, plan) = "{api}, {plan} plan", "{api}, Tarif {plan}";
        for_application = "for", "für";
        requested_by = "requested by", "angefragt von";
        trusted = "Trusted", "Vertraut";
        limits = "Limits", "Limits";
        access = "Access", "Zugang";
        access_trusted = "Trusted: people are not asked, every scope is granted", "Vertraut: Personen werden nicht gefragt, alle Scopes gelten als erteilt";
        access_normal = "Not trusted: people consent to each scope themselves", "Nicht vertraut: Personen stimmen jedem Scope selbst zu";
        access_key = "API key", "API-Schlüssel";
        scopes = "Scopes", "Scopes";
        application = "Application", "Anwendung";
        group = "Group", "Gruppe";
        reason = "Reason", "Begründung";
        reason_hint = "Needed when you decline.", "Beim Ablehnen nötig.";
        reason_missing = "Say why you decline.", "Nennen Sie den Grund der Ablehnung.";
        approve = "Approve", "Freigeben";
        decline = "Decline", "Ablehnen";
        approved(application, api) = "{application} may use {api} now.", "{application} darf {api} jetzt nutzen.";
        declined(application, api) = "The request of {application} for {api} was declined.", "Die Anfrage von {application} nach {api} wurde abgelehnt.";
        gone = "This request was decided or withdrawn already.", "Über diese Anfrage wurde schon entschieden, oder sie wurde zurückgezogen.";
        own = "You cannot decide your own request. Another approver has to.", "Über die eigene Anfrage können Sie nicht entscheiden. Das muss jemand anderes tun.";
    }
}
