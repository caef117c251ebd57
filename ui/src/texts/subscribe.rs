//! Subscribing and unsubscribing.

crate::texts! {
    /// Subscribing and unsubscribing.
    Subscribe {
        title(api) = "Subscribe to {api}", "{api} abonnieren";
        crumb = "Subscribe", "Abonnieren";
        application = "Application", "Anwendung";
        change = "Change", "Wechseln";
        keys_belong = "Keys belong to an application.", "Schlüssel gehören zu einer Anwendung.";
        create_another = "Create another one", "Weitere anlegen";
        purpose = "What will you use it for?", "Wofür werden Sie sie nutzen?";
        purpose_hint = "Read by the approver", "Liest, wer freigibt";
        trusted = "Ask for trusted access", "Vertrauten Zugang anfragen";
        trusted_label = "Trusted", "Vertraut";
        trusted_text = "People are not asked for consent to scopes, and every scope is granted. An administrator has to approve this in any case.", "Personen werden nicht um Zustimmung zu Scopes gebeten, und alle Scopes gelten als erteilt. Das muss in jedem Fall ein Administrator freigeben.";
        subscribe = "Subscribe", "Abonnieren";
        request = "Request access", "Zugang anfragen";
        subscribe_or_request = "Subscribe or request access", "Abonnieren oder Zugang anfragen";
        what_next = "What happens next", "So geht es weiter";
        step_now = "You subscribe", "Sie abonnieren";
        step_now_text = "Plans marked “At once” work within seconds.", "Tarife mit „Sofort“ gelten innerhalb von Sekunden.";
        step_decide = "An approver decides", "Jemand gibt frei";
        step_decide_text = "Only for plans marked “Approval”. You get a mail with the decision.", "Nur bei Tarifen mit „Freigabe“. Sie bekommen eine E-Mail mit der Entscheidung.";
        step_key = "You get your key", "Sie bekommen Ihren Schlüssel";
        step_key_text = "It is shown once.", "Er wird einmal angezeigt.";
        no_right = "You may read this application, but not subscribe it. Ask one of its owners.", "Sie dürfen diese Anwendung lesen, aber nicht für sie abonnieren. Fragen Sie einen Eigentümer.";
        already = "This application has a subscription to this API already.", "Diese Anwendung hat diese API schon abonniert.";
        open_application = "Open the application", "Anwendung öffnen";
        deprecated = "This API is deprecated. New subscriptions are not possible.", "Diese API ist veraltet. Neue Abonnements sind nicht möglich.";
        needs_redirect = "This API needs a log-in in the browser, and the application has no redirect URI. Create one with a redirect URI.", "Diese API braucht eine Anmeldung im Browser, und die Anwendung hat keine Redirect-URI. Legen Sie eine mit Redirect-URI an.";
        machine_only = "This API is meant for servers. Do not ship its secret to browsers or devices.", "Diese API ist für Server gedacht. Geben Sie ihr Geheimnis nicht an Browser oder Geräte weiter.";
        no_plan = "No plan of this API is open to you. Contact us.", "Kein Tarif dieser API ist für Sie offen. Nehmen Sie Kontakt auf.";
        refused = "Nothing was subscribed.", "Nichts wurde abonniert.";
        refused_group = "You may not use this API or plan yet. Contact us.", "Sie dürfen diese API oder diesen Tarif noch nicht nutzen. Nehmen Sie Kontakt auf.";
        choose_plan = "Choose a plan.", "Wählen Sie einen Tarif.";
        pending(application, api) = "{application} waits for approval to use {api}. You get a mail with the decision.", "{application} wartet auf die Freigabe für {api}. Sie bekommen eine E-Mail mit der Entscheidung.";
        done_title(api) = "Subscribed to {api}", "{api} ist abonniert";
        done_lead(application, plan) = "{application} is subscribed with plan {plan}.", "{application} ist mit dem Tarif {plan} abonniert.";
        unsubscribe_title(application, api) = "Unsubscribe {application} from {api}?", "{application} von {api} abbestellen?";
        unsubscribe_text = "Its keys and tokens for this API stop working within seconds. This cannot be undone: a new subscription gets new keys.", "Die Schlüssel und Tokens für diese API gelten innerhalb von Sekunden nicht mehr. Das lässt sich nicht rückgängig machen: Ein neues Abonnement bekommt neue Schlüssel.";
        unsubscribe = "Unsubscribe", "Abbestellen";
        keep = "Keep the subscription", "Abonnement behalten";
        unsubscribed(application, api) = "{application} is no longer subscribed to {api}.", "{application} hat {api} nicht mehr abonniert.";
        change_plan = "Change plan", "Tarif ändern";
        change_plan_of(api) = "Another plan for {api}", "Anderer Tarif für {api}";
        change_plan_text = "Keys and clients stay as they are.", "Schlüssel und Clients bleiben, wie sie sind.";
        current_plan = "Now", "Jetzt";
        plan_changed = "The plan is changed.", "Der Tarif ist geändert.";
        plan_waits = "The plan changes when the request is approved. Until then the old one is in force.", "Der Tarif ändert sich mit der Freigabe der Anfrage. Bis dahin gilt der alte.";
    }
}
