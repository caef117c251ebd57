//! The list of APIs.

crate::texts! {
    /// The list of APIs.
    Catalogue {
        title = "APIs", "APIs";
        find = "Search names, descriptions and topics", "Namen, Beschreibungen und Themen durchsuchen";
        filter = "Filter", "Filtern";
        topic = "Topic", "Thema";
        credentials = "Credentials", "Zugangsdaten";
        life_cycle = "Life cycle", "Lebenszyklus";
        none = "None", "Keine";
        preview = "Preview", "Vorschau";
        current = "Current", "Aktuell";
        deprecated = "Deprecated", "Veraltet";
        retired = "Retired", "Eingestellt";
        retires_on(date) = "Retires {date}", "Endet am {date}";
        sort = "Sort", "Sortierung";
        sort_default = "Recommended", "Empfohlen";
        sort_name = "By name", "Nach Namen";
        apply = "Apply", "Anwenden";
        plural found = "{n} API" | "{n} APIs", "{n} API" | "{n} APIs";
        plural operations = "{n} operation" | "{n} operations", "{n} Operation" | "{n} Operationen";
        plural your_apps = "{n} of your apps" | "{n} of your apps", "{n} Ihrer Anwendungen" | "{n} Ihrer Anwendungen";
        no_subscription_needed = "No subscription needed", "Ohne Abonnement";
        no_new_subscriptions = "No new subscriptions", "Keine neuen Abonnements";
        no_plan = "No plan offered", "Kein Tarif im Angebot";
        nothing = "No API matches.", "Keine API passt.";
        nothing_for(text) = "No API matches “{text}”.", "Keine API passt zu „{text}“.";
        nothing_filtered = "The filters on this page also have to match.", "Auch die Filter auf dieser Seite müssen passen.";
        clear = "Clear the filters", "Filter aufheben";
        empty = "No API is published yet", "Noch ist keine API veröffentlicht";
        empty_guest = "Some APIs may show themselves after you log in.", "Manche APIs zeigen sich erst nach der Anmeldung.";
        empty_user = "APIs come from the configuration of this portal. None of them is open to you yet.", "APIs kommen aus der Konfiguration dieses Portals. Für Sie ist noch keine offen.";
        pages = "Pages", "Seiten";
    }
}
