//! The page of one API.

crate::texts! {
    /// The page of one API.
    Apis {
        overview = "Overview", "Überblick";
        reference = "Reference", "Referenz";
        sections = "Sections of this API", "Bereiche dieser API";
        subscribe = "Subscribe", "Abonnieren";
        log_in_to_subscribe = "Log in to subscribe", "Zum Abonnieren anmelden";
        connect = "Connect", "Verbinden";
        base_url = "Base URL", "Basis-URL";
        base_urls = "Base URLs", "Basis-URLs";
        access = "Access", "Zugang";
        header = "Header", "Header";
        definition = "Definition", "Definition";
        status = "Status", "Status";
        topics = "Topics", "Themen";
        flows = "Flows", "Abläufe";
        authorize_url = "Authorize URL", "Authorize-URL";
        token_url = "Token URL", "Token-URL";
        scopes = "Scopes", "Scopes";
        no_credentials = "Anyone may call this API. No key is needed.", "Diese API darf jeder aufrufen. Ein Schlüssel ist nicht nötig.";
        plural more_applications = "and {n} more" | "and {n} more", "und {n} weitere" | "und {n} weitere";
        your_applications = "Your applications", "Ihre Anwendungen";
        add = "Add", "Hinzufügen";
        none_subscribed = "None of your applications has a subscription yet.", "Noch hat keine Ihrer Anwendungen ein Abonnement.";
        guest_applications = "Log in to see which of your applications use this API.", "Melden Sie sich an, um zu sehen, welche Ihrer Anwendungen diese API nutzen.";
        declined(plan, day) = "Plan {plan} was declined on {day}.", "Der Tarif {plan} wurde am {day} abgelehnt.";
        declined_because(told, reason) = "{told} Reason: {reason}", "{told} Begründung: {reason}";
        deprecated_note = "This API is deprecated. New subscriptions are not possible; existing ones keep working.", "Diese API ist veraltet. Neue Abonnements sind nicht möglich; bestehende gelten weiter.";
        retires_note(date) = "This API retires on {date}. New subscriptions are not possible; existing ones keep working until then.", "Diese API endet am {date}. Neue Abonnements sind nicht möglich; bestehende gelten bis dahin.";
        retired_note = "This API was retired. The gateway does not serve it any more.", "Diese API wurde eingestellt. Das Gateway bedient sie nicht mehr.";
        successor = "Move to", "Wechseln Sie zu";
        preview_note = "Preview: this API is not on the gateway yet.", "Vorschau: Diese API ist noch nicht am Gateway.";
        bundle_note(bundle) = "Belongs to bundle “{bundle}”: one credential works for all APIs of it.", "Gehört zum Bündel „{bundle}“: Ein Zugang gilt für alle seine APIs.";
        no_plans = "No plan is offered to you.", "Für Sie ist kein Tarif im Angebot.";
        about = "About this API", "Über diese API";
        sample = "First call", "Erster Aufruf";
        flow_code = "Authorization code", "Authorization Code";
        flow_client = "Client credentials", "Client Credentials";
        flow_password = "Password", "Password";
        flow_implicit = "Implicit", "Implicit";
        application = "Application", "Anwendung";
        actions = "Actions", "Aktionen";
        for_owners = "For owners of this API", "Für Eigentümer dieser API";
        edit = "Edit", "Bearbeiten";
        announce = "Announcement", "Ankündigung";
        announce_lead = "Everybody who owns an application that uses this API gets it by mail.", "Alle, denen eine Anwendung mit dieser API gehört, bekommen sie per E-Mail.";
        announce_hint = "What happens, when, and what they have to do.", "Was geschieht, wann, und was zu tun ist.";
        subject = "Subject", "Betreff";
        text = "Text", "Text";
        send_announcement = "Send", "Senden";
        announced = "The announcement is on its way.", "Die Ankündigung ist unterwegs.";
        guides = "Guides", "Anleitungen";
        keys = "Keys", "Schlüssel";
        try_it = "Try it", "Ausprobieren";
        console = "Swagger UI", "Swagger UI";
        trusted = "Trusted", "Vertraut";
        unsubscribe = "Unsubscribe", "Abbestellen";
        not_subscribed = "Not subscribed", "Nicht abonniert";
        plan_gone = "No longer offered", "Nicht mehr im Angebot";
        register_first = "Register an application", "Anwendung anlegen";
        register_another = "Register another application", "Weitere Anwendung anlegen";
        no_applications = "You have no application yet. Register one to subscribe to this API.", "Sie haben noch keine Anwendung. Legen Sie eine an, um diese API zu abonnieren.";
        partner_only = "Only partners may subscribe to this API. Ask us for access.", "Nur Partner dürfen diese API abonnieren. Bitten Sie uns um Zugang.";
        console_note = "People log in to this API with a browser. To try that, you need an application that leads back to the console.", "Bei dieser API melden sich Personen im Browser an. Um das auszuprobieren, brauchen Sie eine Anwendung, die zur Konsole zurückführt.";
        console_application = "Register one for the console", "Eine für die Konsole anlegen";
        profile_url = "Profile URL", "Profil-URL";
        hidden_way = "Not shown to others", "Für andere nicht sichtbar";
        hidden_ways = "There are further ways to log in that are not shown here.", "Es gibt weitere Wege zur Anmeldung, die hier nicht stehen.";
        machines_only = "Programs call this API on their own; nobody logs in.", "Programme rufen diese API selbst auf; niemand meldet sich an.";
    }
}
