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
        state_open = "Open", "Offen";
        state_approved = "Approved", "Freigegeben";
        state_declined = "Declined", "Abgelehnt";
        state_withdrawn = "Withdrawn", "Zurückgezogen";
        state_all = "All", "Alle";
        state = "State", "Status";
        filter = "Filter", "Filtern";
        clear = "Clear the filters", "Filter aufheben";
        csv = "Download CSV", "CSV herunterladen";
        api = "API", "API";
        nothing = "No request here.", "Hier ist keine Anfrage.";
        tick(name) = "Tick the request of {name}", "Anfrage von {name} ankreuzen";
        ticked = "Decide the ticked ones", "Angekreuzte entscheiden";
        none_chosen = "Tick at least one request.", "Kreuzen Sie mindestens eine Anfrage an.";
        plural several_approved = "{n} request is approved." | "{n} requests are approved.", "{n} Anfrage ist freigegeben." | "{n} Anfragen sind freigegeben.";
        plural several_declined = "{n} request is declined." | "{n} requests are declined.", "{n} Anfrage ist abgelehnt." | "{n} Anfragen sind abgelehnt.";
        several_failed(count, reason) = "{count} could not be decided: {reason}", "{count} ließen sich nicht entscheiden: {reason}";
        assigned = "Somebody takes care of it", "Jemand kümmert sich";
        take = "Take care of it", "Ich kümmere mich";
        give_back = "Give it back", "Abgeben";
        mine = "You take care of it.", "Sie kümmern sich darum.";
        somebody = "Somebody else takes care of it.", "Jemand anderes kümmert sich darum.";
        comments = "Comments", "Kommentare";
        comment = "Comment for the others who decide", "Kommentar für alle, die entscheiden";
        add_comment = "Add comment", "Kommentieren";
        decided_on(word, at) = "{word}, {at}", "{word}, {at}";
        trusted_text = "Trusted: the application gets every scope, and people are not asked. Approve it only for programs of your own house.", "Vertraut: Die Anwendung bekommt alle Scopes, Personen werden nicht gefragt. Geben Sie das nur für Programme aus dem eigenen Haus frei.";
        gone = "This request was decided or withdrawn already.", "Über diese Anfrage wurde schon entschieden, oder sie wurde zurückgezogen.";
        own = "You cannot decide your own request. Another approver has to.", "Über die eigene Anfrage können Sie nicht entscheiden. Das muss jemand anderes tun.";
    }
}
