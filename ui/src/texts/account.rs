//! The own account.

crate::texts! {
    /// The own account.
    Account {
        account = "Account", "Konto";
        profile = "Profile", "Profil";
        grants = "Consents", "Zustimmungen";
        actions = "Actions", "Aktionen";
        save = "Save", "Speichern";
        end = "End", "Beenden";
        sessions = "Where you are logged in", "Wo Sie angemeldet sind";
        end_others = "Log out everywhere else", "Überall sonst abmelden";
        ended = "It is logged out.", "Dort sind Sie abgemeldet.";
        may_act = "Applications that may act for you", "Anwendungen, die für Sie handeln dürfen";
        nobody_acts = "None. You are asked when an application wants to.", "Keine. Sie werden gefragt, wenn eine Anwendung das möchte.";
        acting = "Application", "Anwendung";
        at_api = "API", "API";
        take_back = "Take back", "Zurücknehmen";
        taken_back = "The consent is taken back. Tokens of the application end.", "Die Zustimmung ist zurückgenommen. Tokens der Anwendung enden.";
        program = "Program", "Programm";
        unknown_program = "Unknown program", "Unbekanntes Programm";
        address = "Address", "Adresse";
        began = "Since", "Seit";
        seen = "Last seen", "Zuletzt gesehen";
        this_one = "Here", "Hier";
        tokens = "Tokens for programs", "Tokens für Programme";
        no_tokens = "No token yet. A token lets a program of yours use this portal in your name.", "Noch kein Token. Mit einem Token nutzt ein Programm von Ihnen dieses Portal in Ihrem Namen.";
        token = "Token", "Token";
        token_name = "Name", "Name";
        token_name_hint = "What will use it, for example “nightly report”.", "Wer es nutzen wird, zum Beispiel „Bericht jede Nacht“.";
        scopes = "Scopes", "Scopes";
        scopes_hint = "Names with blanks between them.", "Namen mit Leerzeichen dazwischen.";
        expires = "Expires", "Läuft ab";
        used = "Last used", "Zuletzt benutzt";
        not_used = "Not yet", "Noch nicht";
        new_token = "New token", "Neues Token";
        lasts = "Lasts", "Gültig";
        days(n) = "{n} days", "{n} Tage";
        make_token = "Create token", "Token anlegen";
        token_ended = "The token is ended.", "Das Token ist beendet.";
        token_lead = "The token is made.", "Das Token ist angelegt.";
        token_use = "Send it as Authorization: Bearer, with Accept: application/json.", "Senden Sie es als Authorization: Bearer, mit Accept: application/json.";
        mails = "Mails", "E-Mails";
        mails_about = "Send me a mail when", "Ich möchte eine E-Mail, wenn";
        mails_required = "Mails that concern the safety of the account, and invitations, always come.", "E-Mails zur Sicherheit des Kontos und Einladungen kommen immer.";
        mails_saved = "Your choice is saved.", "Ihre Auswahl ist gespeichert.";
        mail_approved = "a request of mine is approved", "eine meiner Anfragen freigegeben wird";
        mail_declined = "a request of mine is declined", "eine meiner Anfragen abgelehnt wird";
        mail_owner = "I get a role on an application", "ich eine Rolle in einer Anwendung bekomme";
        mail_deprecated = "an API that I use is deprecated", "eine von mir genutzte API veraltet";
        mail_expires = "a key is about to expire", "ein Schlüssel bald abläuft";
        mail_quota = "a limit is nearly used up", "ein Limit fast ausgeschöpft ist";
        mail_announcement = "the owners of an API announce something", "Eigentümer einer API etwas ankündigen";
        in_one = "Several in one mail a day, where that can wait", "Mehrere in einer E-Mail am Tag, wo es warten kann";
        language = "Language of mails", "Sprache der E-Mails";
        language_default = "As the installation", "Wie die Installation";
        export = "Your data", "Ihre Daten";
        export_text = "Everything that is stored about you, as one JSON file: profile, applications, teams, consents, requests, and what you did. Keys are not in it.", "Alles, was über Sie gespeichert ist, in einer JSON-Datei: Profil, Anwendungen, Teams, Zustimmungen, Anfragen, und was Sie getan haben. Schlüssel sind nicht enthalten.";
        download = "Download", "Herunterladen";
        delete = "Delete account", "Konto löschen";
    }
}
