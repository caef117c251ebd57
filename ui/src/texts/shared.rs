//! Words of the frame and of parts that many pages share.

crate::texts! {
    /// Words of the frame and of parts that many pages share.
    Shared {
        skip = "Skip to the content", "Zum Inhalt springen";
        main_navigation = "Main", "Hauptnavigation";
        home = "Home", "Start";
        apis = "APIs", "APIs";
        applications = "Applications", "Anwendungen";
        docs = "Docs", "Dokumente";
        publish = "Publish", "Veröffentlichen";
        admin = "Admin", "Verwaltung";
        approvals = "Approvals", "Freigaben";
        search = "Search", "Suchen";
        language = "Language", "Sprache";
        theme = "Colour scheme", "Farbschema";
        theme_system = "As the system", "Wie das System";
        theme_light = "Light", "Hell";
        theme_dark = "Dark", "Dunkel";
        menu = "Menu", "Menü";
        account_of(name) = "Account of {name}", "Konto von {name}";
        log_in = "Log in", "Anmelden";
        log_out = "Log out", "Abmelden";
        sign_up = "Sign up", "Registrieren";
        contact = "Contact", "Kontakt";
        help = "Help", "Hilfe";
        learn_more = "Learn more", "Mehr dazu";
        profile = "Profile", "Profil";
        terms = "Terms", "Nutzungsbedingungen";
        accessibility = "Accessibility", "Barrierefreiheit";
        privacy = "Privacy", "Datenschutz";
        statistics_question = "May we count your visit? Nothing is loaded for it before you agree.", "Dürfen wir Ihren Besuch zählen? Vor Ihrer Zustimmung wird dafür nichts geladen.";
        statistics_yes = "Count my visits", "Besuche zählen";
        statistics_no = "Do not count", "Nicht zählen";
        statistics_stop = "Stop counting my visits", "Besuche nicht mehr zählen";
        development = "Without https: for development only", "Ohne https: nur für die Entwicklung";
        gate_title = "A small gate in the big one.", "Die kleine Tür im großen Tor.";
        gate_text(title) = "One account for every API of {title}: find it, get a key, call it.", "Ein Konto für alle Schnittstellen von {title}: finden, Schlüssel holen, aufrufen.";
        copy = "Copy", "Kopieren";
        copied = "Copied", "Kopiert";
        cancel = "Cancel", "Abbrechen";
        preview = "Preview", "Vorschau";
        optional = "(optional)", "(freiwillig)";
        breadcrumb = "Where you are", "Wo Sie sind";
        previous = "Previous", "Zurück";
        next = "Next", "Weiter";
        scopes_until(scopes, end) = "{scopes}, until {end}", "{scopes}, bis {end}";
        range(first, last, total) = "{first}–{last} of {total}", "{first}–{last} von {total}";
        oauth = "OAuth 2.0", "OAuth 2.0";
        api_key = "API key", "API-Schlüssel";
        open_access = "Open", "Offen";
        needs_approval = "Needs approval", "Mit Freigabe";
        state_active = "Active", "Aktiv";
        state_pending = "Pending approval", "Wartet auf Freigabe";
    }
}
