//! Choosing a password.

crate::texts! {
    /// Choosing a password.
    Passwords {
        again = "Repeat the password", "Passwort wiederholen";
        differ = "The two passwords differ.", "Die beiden Passwörter sind verschieden.";
        broken = "The password does not follow the rules below.", "Das Passwort hält die Regeln nicht ein.";
        length(min, max) = "{min} to {max} characters", "{min} bis {max} Zeichen";
        upper_lower = "Upper and lower case letters", "Groß- und Kleinbuchstaben";
        digit = "A digit", "Eine Ziffer";
        unknown = "None that is guessed at once, such as password12345", "Keines, das man sofort errät, wie passwort12345";
        special = "A character that is neither letter nor digit", "Ein Zeichen, das weder Buchstabe noch Ziffer ist";
    }
}
