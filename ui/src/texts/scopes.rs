//! Which scopes a subscription may have.

crate::texts! {
    /// Which scopes a subscription may have.
    Scopes {
        title = "Allowed scopes", "Erlaubte Scopes";
        lead(application, api) = "What tokens of {application} for {api} may cover.", "Was Tokens von {application} für {api} umfassen dürfen.";
        which = "Tokens may have", "Tokens dürfen enthalten";
        all = "All scopes", "Alle Scopes";
        all_text = "Whatever the application asks for.", "Was immer die Anwendung anfragt.";
        no_scope = "No scope", "Keinen Scope";
        no_scope_text = "Tokens without any.", "Tokens ohne Scope.";
        select = "Only these", "Nur diese";
        select_short = "Chosen scopes", "Ausgewählte Scopes";
        select_text = "Those that are ticked below.", "Die unten angekreuzten.";
        scopes = "Scopes", "Scopes";
        save = "Save", "Speichern";
        saved = "The allowed scopes are changed. Tokens that are there already keep theirs.", "Die erlaubten Scopes sind geändert. Schon ausgestellte Tokens behalten ihre.";
        trusted = "This subscription is trusted: it may have all scopes, without asking users.", "Diesem Abonnement wird vertraut: Es darf alle Scopes haben, ohne Benutzer zu fragen.";
        only_administrators = "Only administrators can change this.", "Nur Administratoren können das ändern.";
    }
}
