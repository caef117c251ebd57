//! The choice of a way to log in.

crate::texts! {
    /// The choice of a way to log in.
    Login {
        choose = "Choose how.", "Wählen Sie, wie.";
        back_to(target) = "You go back to {target} afterwards.", "Danach geht es zurück zu {target}.";
        others = "There are other ways to log in, which are not for everybody.", "Es gibt weitere Wege zur Anmeldung, die nicht für alle gedacht sind.";
        ask = "Ask us about them.", "Fragen Sie uns danach.";
    }
}
