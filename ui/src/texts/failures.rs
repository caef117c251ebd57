//! Words of error pages.

crate::texts! {
    /// Words of error pages.
    Failures {
        missing_title = "No page at this address", "Unter dieser Adresse gibt es keine Seite";
        missing_text = "It may have moved, or the address has a typing error. APIs that you have no access to also look like this.", "Sie ist umgezogen, oder die Adresse enthält einen Tippfehler. Auch APIs, zu denen Sie keinen Zugang haben, sehen so aus.";
        forbidden_title = "You may not open this", "Das dürfen Sie nicht öffnen";
        forbidden_text = "Your account does not have the right to it. An owner of the application or API, or an administrator, can give it to you.", "Ihr Konto hat nicht das Recht dazu. Geben kann es Ihnen, wem die Anwendung oder API gehört, oder ein Administrator.";
        stale_title = "The form is too old", "Das Formular ist zu alt";
        stale_text = "Your session ended or began anew since the page was opened. Nothing was changed. Go back, reload the page and send the form again.", "Ihre Sitzung ist seit dem Öffnen der Seite abgelaufen oder neu begonnen worden. Nichts wurde geändert. Gehen Sie zurück, laden Sie die Seite neu und senden Sie das Formular noch einmal.";
        login_title = "You are not logged in", "Sie sind nicht angemeldet";
        login_text = "The log-in was not completed. Try it again; if the reason below stays, send it to us.", "Die Anmeldung wurde nicht abgeschlossen. Versuchen Sie es noch einmal; bleibt der Grund unten bestehen, schicken Sie ihn uns.";
        changed_title = "The portal is being updated", "Das Portal wird gerade aktualisiert";
        changed_text = "Other configuration came into force while you were asking. Try again in a minute.", "Während Ihrer Anfrage trat eine andere Konfiguration in Kraft. Versuchen Sie es in einer Minute noch einmal.";
        busy_title = "Too many requests", "Zu viele Anfragen";
        busy_text = "The limit for this action is used up. Try again in a minute.", "Das Limit für diese Aktion ist ausgeschöpft. Versuchen Sie es in einer Minute noch einmal.";
        busy_until(seconds) = "The limit for this action is used up. It resets in {seconds} s.", "Das Limit für diese Aktion ist ausgeschöpft. Es beginnt in {seconds} s neu.";
        away_title = "The portal cannot reach its data", "Das Portal erreicht seine Daten nicht";
        away_text = "Your keys and calls are not affected. Try again in a minute.", "Ihre Schlüssel und Aufrufe sind davon nicht betroffen. Versuchen Sie es in einer Minute noch einmal.";
        auth_away_text = "The log-in service does not answer. Try again in a minute.", "Der Anmeldedienst antwortet nicht. Versuchen Sie es in einer Minute noch einmal.";
        broken_text = "Something between the portal and its data answers with an error. Your keys and calls are not affected. Try again in a minute.", "Etwas zwischen dem Portal und seinen Daten antwortet mit einem Fehler. Ihre Schlüssel und Aufrufe sind davon nicht betroffen. Versuchen Sie es in einer Minute noch einmal.";
        slow_text = "The portal's data did not come in time. Your keys and calls are not affected. Try again in a minute.", "Die Daten des Portals kamen nicht rechtzeitig. Ihre Schlüssel und Aufrufe sind davon nicht betroffen. Versuchen Sie es in einer Minute noch einmal.";
        session_ended_text = "Your session has ended. Log in again to go on.", "Ihre Sitzung ist beendet. Melden Sie sich neu an, um weiterzumachen.";
        token_text = "The token is unknown, was deleted, or has ended.", "Das Token ist unbekannt, gelöscht oder abgelaufen.";
        fresh_login_text = "This needs a log-in from the last few minutes. Log in anew and send it again.", "Dafür muss die Anmeldung einige Minuten jung sein. Melden Sie sich neu an und senden Sie es noch einmal.";
        stale_login_text = "This log-in was not begun in this browser, was used already, or took longer than ten minutes. Begin anew.", "Diese Anmeldung wurde nicht in diesem Browser begonnen, schon benutzt, oder dauerte länger als zehn Minuten. Beginnen Sie neu.";
        unencrypted_title = "Use https", "Verwenden Sie https";
        unencrypted_text = "This portal is reached over https only. If you did that, the proxy in front of it does not send “X-Forwarded-Proto: https”.", "Dieses Portal ist nur über https erreichbar. Falls Sie das getan haben, sendet der Proxy davor kein „X-Forwarded-Proto: https“.";
        misdirected_title = "This is not the portal's address", "Das ist nicht die Adresse des Portals";
        misdirected_text = "Nothing was changed. Open the portal by its own name and send the form again.", "Nichts wurde geändert. Öffnen Sie das Portal unter seinem eigenen Namen und senden Sie das Formular noch einmal.";
        other_title = "This did not work", "Das hat nicht funktioniert";
        other_text = "The request could not be carried out. Nothing was changed.", "Die Anfrage konnte nicht ausgeführt werden. Nichts wurde geändert.";
        all_apis = "All APIs", "Alle APIs";
        contact_us = "Contact us", "Kontakt aufnehmen";
        correlation = "If you write to us, add this:", "Wenn Sie uns schreiben, nennen Sie dies:";
    }
}
