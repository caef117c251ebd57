//! The profile of a person.

crate::texts! {
    /// The profile of a person.
    Users {
        details = "About you", "Über Sie";
        details_of_other = "About this person", "Über diese Person";
        account = "Account", "Konto";
        email = "Mail address", "E-Mail-Adresse";
        confirmed = "Confirmed", "Bestätigt";
        unconfirmed = "Not confirmed", "Nicht bestätigt";
        confirm = "Confirm the address", "Adresse bestätigen";
        external_id = "Account at the provider", "Konto beim Anbieter";
        id = "Id", "Id";
        locked = "Locked", "Gesperrt";
        save = "Save", "Speichern";
        saved = "The profile is saved.", "Das Profil ist gespeichert.";
        not_saved = "Not everything was saved. Correct the marked fields.", "Nicht alles wurde gespeichert. Korrigieren Sie die markierten Felder.";
        password = "Password", "Passwort";
        no_password = "This account has no password.", "Dieses Konto hat kein Passwort.";
        new_password = "New password", "Neues Passwort";
        current_password = "Current password", "Bisheriges Passwort";
        current_missing = "Give the current password, too.", "Geben Sie auch das bisherige Passwort an.";
        current_wrong = "This is not the current password.", "Das ist nicht das bisherige Passwort.";
        log_in_anew = "Log out and in again, then set the password within ten minutes.", "Melden Sie sich ab und wieder an, und setzen Sie das Passwort dann innerhalb von zehn Minuten.";
        no_password_here = "This account is kept elsewhere and has no password here.", "Dieses Konto wird anderswo geführt und hat hier kein Passwort.";
        change_password = "Change password", "Passwort ändern";
        set_password = "Set password", "Passwort setzen";
        password_note = "Another password ends all sessions of the account. You log in anew afterwards.", "Ein neues Passwort beendet alle Sitzungen des Kontos. Danach melden Sie sich neu an.";
        password_note_other = "Another password ends all sessions of this account.", "Ein neues Passwort beendet alle Sitzungen dieses Kontos.";
        password_changed = "The password is changed. Log in with the new one.", "Das Passwort ist geändert. Melden Sie sich mit dem neuen an.";
        remove_password = "Remove password", "Passwort entfernen";
        password_removed = "The password is removed.", "Das Passwort ist entfernt.";
        groups = "Groups", "Gruppen";
        groups_text = "Groups decide which APIs and plans somebody sees, and who may decide.", "Gruppen bestimmen, welche APIs und Tarife jemand sieht, und wer entscheiden darf.";
        admin_group = "Administrators", "Administratoren";
        approver_group = "May decide about requests", "Darf über Anfragen entscheiden";
        validated_group = "Everybody with a confirmed address", "Alle mit bestätigter Adresse";
        save_groups = "Save groups", "Gruppen speichern";
        applications = "Applications", "Anwendungen";
        no_applications = "None", "Keine";
        security = "Access", "Zugriff";
        grants = "Applications that may act for you", "Anwendungen, die für Sie handeln dürfen";
        second_steps = "Second steps and passkeys", "Zweite Schritte und Passkeys";
        delete = "Delete account", "Konto löschen";
        delete_title(name) = "Delete the account of {name}?", "Das Konto von {name} löschen?";
        delete_text = "Profile, consents and mail links go with it. This cannot be undone.", "Profil, Zustimmungen und Links in E-Mails verschwinden damit. Das lässt sich nicht rückgängig machen.";
        only_owner = "Nobody else owns it", "Gehört niemandem sonst";
        owned_on = "Others go on owning it", "Gehört weiterhin anderen";
        choice = "What becomes of what nobody else owns?", "Was wird aus dem, was sonst niemandem gehört?";
        choice_give = "It goes to another person and goes on working.", "Es geht an eine andere Person und arbeitet weiter.";
        choice_delete = "It is deleted. Its keys stop working at once.", "Es wird gelöscht. Seine Schlüssel gelten sofort nicht mehr.";
        heir = "Mail address of the new owner", "E-Mail-Adresse der neuen Eigentümerin oder des neuen Eigentümers";
        heir_hint = "Needed for handing over. The person has to be registered already.", "Nur zum Übergeben nötig. Die Person muss schon registriert sein.";
        heir_unknown = "Nobody with this mail address has an account here. Nothing was deleted.", "Niemand mit dieser E-Mail-Adresse hat hier ein Konto. Nichts wurde gelöscht.";
        delete_changed = "Somebody else left an application meanwhile. Look at the list once more; nothing was deleted.", "Inzwischen hat jemand eine Anwendung verlassen. Sehen Sie die Liste noch einmal an, nichts wurde gelöscht.";
        deleted = "The account is deleted.", "Das Konto ist gelöscht.";
        built_in = "You work as the built-in administrator. Make a person of your own an administrator, then remove the password of this account.", "Sie arbeiten als eingebauter Administrator. Machen Sie eine eigene Person zum Administrator und entfernen Sie dann das Passwort dieses Kontos.";
    }
}
