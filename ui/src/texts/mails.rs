//! The page that a link at the end of a mail opens.

crate::texts! {
    /// The page that a link at the end of a mail opens.
    Mails {
        stop_title = "No more mails of this kind?", "Keine solchen E-Mails mehr?";
        stop_text = "You then get no more mails like the one whose link you followed. Mails about your password and your address come all the same.", "Sie bekommen dann keine E-Mails mehr wie die, deren Link Sie geöffnet haben. E-Mails zu Ihrem Passwort und Ihrer Adresse kommen weiterhin.";
        stop = "Stop these mails", "Diese E-Mails abbestellen";
        stopped_title = "Done", "Erledigt";
        stopped_text = "You get no more mails of this kind.", "Sie bekommen keine solchen E-Mails mehr.";
    }
}
