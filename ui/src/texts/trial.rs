//! Calling an API from its pages.

crate::texts! {
    /// Calling an API from its pages.
    Trial {
        try_it = "Try it", "Ausprobieren";
        lead = "The answer appears here. The portal sends the call to the gateway and adds the credential; your browser never sees it.", "Hier erscheint die Antwort. Das Portal schickt den Aufruf an das Gateway und fügt die Zugangsdaten hinzu; Ihr Browser bekommt sie nie zu sehen.";
        application = "Application", "Anwendung";
        key_added(header) = "Its key is added as {header}.", "Ihr Schlüssel wird als {header} mitgeschickt.";
        token_added = "A token for it is fetched and added.", "Ein Token für sie wird geholt und mitgeschickt.";
        token_by_login = "Tokens for this API are for people who log in.", "Tokens für diese API gelten für Personen, die sich anmelden.";
        call_as = "Call as", "Aufrufen als";
        as_person(until) = "You, logged in with this application until {until}", "Sie, mit dieser Anwendung angemeldet bis {until}";
        as_application = "The application, or with the credential given below", "Die Anwendung, oder mit den Zugangsdaten unten";
        log_in = "Log in for a token", "Für ein Token anmelden";
        log_in_hint = "The portal keeps the token; it is in no address and no page. The application has to allow this redirect URI:", "Das Portal behält das Token, es steht in keiner Adresse und auf keiner Seite. Die Anwendung muss diese Redirect-URI erlauben:";
        logged_in = "You have a token. The next calls carry it.", "Sie haben ein Token. Die nächsten Aufrufe tragen es.";
        log_in_first = "There is no token of yours for this application, or it has ended. Log in for one.", "Für diese Anwendung gibt es kein Token von Ihnen, oder es ist abgelaufen. Melden Sie sich dafür an.";
        no_people = "People get no tokens for this API.", "Personen bekommen für diese API keine Tokens.";
        needs_redirect(uri) = "Add {uri} to the redirect URIs of the application first, in its settings.", "Tragen Sie zuerst {uri} in den Einstellungen der Anwendung als Redirect-URI ein.";
        secret_not_kept_for_people = "The secret of this application is not kept in a readable form, so the portal cannot log in with it. Use a public application, or paste an access token.", "Das Geheimnis dieser Anwendung wird nicht lesbar aufbewahrt, das Portal kann sich damit nicht anmelden. Nehmen Sie eine öffentliche Anwendung, oder fügen Sie ein Access Token ein.";
        no_application = "None of your applications may call this API yet.", "Noch darf keine Ihrer Anwendungen diese API aufrufen.";
        subscribe = "Subscribe", "Abonnieren";
        server = "Address", "Adresse";
        optional = "optional", "freiwillig";
        body = "Body", "Body";
        other_credential = "Use another credential", "Andere Zugangsdaten verwenden";
        scopes = "Scopes", "Scopes";
        access_token = "Access token", "Access Token";
        key = "API key", "API-Schlüssel";
        not_kept = "Only fingerprints of keys and secrets are kept here, so paste yours.", "Von Schlüsseln und Geheimnissen wird hier nur ein Fingerabdruck aufbewahrt; fügen Sie Ihres ein.";
        pasted_hint = "Used for this call only, and not kept.", "Gilt nur für diesen Aufruf und wird nicht gespeichert.";
        send = "Send", "Senden";
        sending = "Sending…", "Wird gesendet…";
        answer = "Answer", "Antwort";
        answer_headers = "Headers of the answer", "Header der Antwort";
        request = "Request", "Anfrage";
        copy = "Copy", "Kopieren";
        other_operation = "Another operation", "Andere Operation";
        milliseconds(n) = "{n} ms", "{n} ms";
        bytes(n) = "{n} bytes", "{n} Bytes";
        remaining = "Calls left", "Aufrufe übrig";
        correlation_id = "Correlation id", "Correlation-Id";
        no_body = "No body", "Ohne Body";
        not_text = "The body is no text and is not shown.", "Der Body ist kein Text und wird nicht gezeigt.";
        cut = "Only the first part of the body is shown.", "Gezeigt wird nur der Anfang des Body.";
        choose_application = "Choose an application with a subscription, or paste a credential.", "Wählen Sie eine Anwendung mit Abonnement, oder fügen Sie Zugangsdaten ein.";
        not_subscribed = "This application has no subscription to this API.", "Diese Anwendung hat diese API nicht abonniert.";
        not_approved = "The subscription of this application waits for approval.", "Das Abonnement dieser Anwendung wartet auf Freigabe.";
        key_not_kept = "The key of this application is not kept in a readable form. Paste it under “Use another credential”.", "Der Schlüssel dieser Anwendung wird nicht lesbar aufbewahrt. Fügen Sie ihn unter „Andere Zugangsdaten verwenden“ ein.";
        secret_not_kept = "The secret of this application is not kept in a readable form. Paste an access token under “Use another credential”.", "Das Geheimnis dieser Anwendung wird nicht lesbar aufbewahrt. Fügen Sie unter „Andere Zugangsdaten verwenden“ ein Access Token ein.";
        needs_person = "Tokens for this API are for people who log in. Paste one under “Use another credential”.", "Tokens für diese API gelten für Personen, die sich anmelden. Fügen Sie unter „Andere Zugangsdaten verwenden“ eines ein.";
        token_refused(reason) = "The auth server gave no token: {reason}", "Der Auth-Server hat kein Token ausgestellt: {reason}";
        broken_credential = "This credential cannot be sent in a header.", "Diese Zugangsdaten lassen sich nicht in einem Header senden.";
        no_answer = "The call was made, but there is no answer to show.", "Der Aufruf ging hinaus, aber es gibt keine Antwort zu zeigen.";
        away = "The gateway did not answer.", "Das Gateway hat nicht geantwortet.";
        late = "There was no answer within 30 seconds.", "Innerhalb von 30 Sekunden kam keine Antwort.";
        too_long = "The answer is longer than 5 MiB and was not read to its end.", "Die Antwort ist länger als 5 MiB und wurde nicht zu Ende gelesen.";
    }
}
