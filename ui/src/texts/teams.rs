//! Teams.

crate::texts! {
    /// Teams.
    Teams {
        title = "Teams", "Teams";
        lead = "A team owns applications together, so that they stay when somebody leaves.", "Ein Team besitzt Anwendungen gemeinsam, damit sie bleiben, wenn jemand geht.";
        empty = "You are in no team yet.", "Sie sind noch in keinem Team.";
        find = "Find a team", "Team finden";
        nothing_found(text) = "No team matches “{text}”.", "Kein Team passt zu „{text}“.";
        show_all = "Show all", "Alle zeigen";
        new_team = "New team", "Neues Team";
        create = "Create team", "Team anlegen";
        id = "Id", "Id";
        id_hint = "4 to 50 of a-z, 0-9, - and _. It never changes.", "4 bis 50 Zeichen aus a-z, 0-9, - und _. Sie ändert sich nie.";
        name = "Name", "Name";
        members = "Members", "Mitglieder";
        email = "Mail address", "E-Mail-Adresse";
        email_hint = "The person has to be registered already.", "Die Person muss schon registriert sein.";
        role = "Role", "Rolle";
        role_of(person) = "Role of {person}", "Rolle von {person}";
        change = "Change", "Ändern";
        actions = "Actions", "Aktionen";
        you = "(you)", "(Sie)";
        leave = "Leave", "Verlassen";
        take_out = "Remove", "Entfernen";
        add = "Add member", "Mitglied hinzufügen";
        settings = "Settings", "Einstellungen";
        save = "Save", "Speichern";
        saved = "It is saved.", "Es ist gespeichert.";
        delete = "Delete team", "Team löschen";
        delete_hint = "A team with applications cannot be deleted.", "Ein Team mit Anwendungen lässt sich nicht löschen.";
        deleted = "The team is deleted.", "Das Team ist gelöscht.";
        no_applications = "None yet. An application is given to a team in its settings.", "Noch keine. Eine Anwendung kommt über ihre Einstellungen zu einem Team.";
    }
}
