//! SQL statements with named parameters. What is a parameter is found here, once, by reading the
//! text as databases do; values never come near it.

/// One statement, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter(String),
}

const MAX_LENGTH: usize = 20_000;

impl Statement {
    /// Comments and a last semicolon are left out.
    pub fn parse(sql: &str) -> Result<Self, String> {
        if sql.len() > MAX_LENGTH {
            return Err(format!("a statement has at most {MAX_LENGTH} characters"));
        }
        let mut reader = Reader {
            rest: sql,
            text: String::new(),
            pieces: Vec::new(),
        };
        reader.read()?;
        let Reader {
            text, mut pieces, ..
        } = reader;
        pieces.push(Piece::Text(text.trim_end().to_owned()));
        let statement = Self { pieces };
        // It would give a session more leave than its statements have.
        if sql.to_ascii_lowercase().contains("set_config") {
            return Err("set_config is not possible here".to_owned());
        }
        if statement.verb().is_empty() {
            return Err("a statement is missing".to_owned());
        }
        Ok(statement)
    }

    /// Its first word in lower case.
    pub fn verb(&self) -> String {
        let first = match self.pieces.first() {
            Some(Piece::Text(text)) => text.trim_start(),
            _ => "",
        };
        let letters = first.chars().take_while(char::is_ascii_alphabetic);
        letters.collect::<String>().to_ascii_lowercase()
    }

    /// The names of its parameters, each once, in the order of their numbers.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for piece in &self.pieces {
            if let Piece::Parameter(name) = piece
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        names
    }

    /// The statement with numbered parameters: `$1` or `?1`.
    pub fn numbered(&self, mark: char) -> String {
        let names = self.names();
        let mut sql = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => sql.push_str(text),
                Piece::Parameter(name) => {
                    let position = names.iter().position(|known| known == name);
                    sql.push(mark);
                    sql.push_str(&(position.unwrap_or_default() + 1).to_string());
                }
            }
        }
        sql
    }

    /// The statement with `?` for each parameter, and the numbers of those that they stand for.
    pub fn marked(&self) -> (String, Vec<usize>) {
        let names = self.names();
        let mut sql = String::new();
        let mut numbers = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => sql.push_str(text),
                Piece::Parameter(name) => {
                    sql.push('?');
                    numbers.extend(names.iter().position(|known| known == name));
                }
            }
        }
        (sql, numbers)
    }
}

struct Reader<'a> {
    rest: &'a str,
    text: String,
    pieces: Vec<Piece>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), String> {
        while let Some(character) = self.rest.chars().next() {
            match character {
                '\'' => {
                    if self.is_escape_string() {
                        return Err("texts of the form e'…' are not possible here".to_owned());
                    }
                    self.quoted('\'')?;
                }
                '"' if self.text.ends_with("u&") || self.text.ends_with("U&") => {
                    return Err("names of the form u&\"…\" are not possible here".to_owned());
                }
                '"' | '`' => self.quoted(character)?,
                '-' if self.rest.starts_with("--") => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = &self.rest[end..];
                    self.text.push(' ');
                }
                '/' if self.rest.starts_with("/*") => self.comment()?,
                ';' => {
                    self.rest = &self.rest[1..];
                    return self.nothing_follows();
                }
                '$' | '?' | '@' if self.is_foreign_parameter(character) => {
                    return Err(format!(
                        "`{character}` does not stand for a parameter here; write :name"
                    ));
                }
                '\0' => return Err("NUL is not possible here".to_owned()),
                ':' if self.rest.starts_with("::") || self.rest.starts_with(":=") => self.take(2),
                ':' => self.parameter(),
                other => self.take(other.len_utf8()),
            }
        }
        Ok(())
    }

    fn take(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at(length);
        self.text.push_str(taken);
        self.rest = rest;
    }

    fn is_escape_string(&self) -> bool {
        let mut before = self.text.chars().rev();
        let is_marked = matches!(before.next(), Some('e' | 'E'));
        is_marked && !before.next().is_some_and(is_name)
    }

    /// Numbered ones, names of SQLite's own, and PostgreSQL's `$tag$` texts.
    fn is_foreign_parameter(&self, mark: char) -> bool {
        match mark {
            '@' => self.rest[1..].starts_with(is_name),
            // Inside of a name of PostgreSQL it is a letter.
            '$' => !self.text.ends_with(is_name),
            _ => true,
        }
    }

    fn quoted(&mut self, quote: char) -> Result<(), String> {
        let mut after = self.rest[1..].char_indices().peekable();
        while let Some((position, character)) = after.next() {
            if character != quote {
                if character == '\0' {
                    return Err("NUL is not possible here".to_owned());
                }
                continue;
            }
            // Doubled it stands for itself.
            if after.next_if(|(_, next)| *next == quote).is_none() {
                self.take(position + 2);
                return Ok(());
            }
        }
        Err(format!("a closing {quote} is missing"))
    }

    /// They nest in PostgreSQL and not in SQLite, so that they must not.
    fn comment(&mut self) -> Result<(), String> {
        let body = &self.rest[2..];
        let end = body.find("*/").ok_or("a closing */ is missing")?;
        if body[..end].contains("/*") {
            return Err("comments cannot stand in comments".to_owned());
        }
        self.rest = &body[end + 2..];
        self.text.push(' ');
        Ok(())
    }

    fn parameter(&mut self) {
        let after = &self.rest[1..];
        let length = after.find(|other| !is_name(other)).unwrap_or(after.len());
        let name = &after[..length];
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            self.take(1);
            return;
        }
        let text = std::mem::take(&mut self.text);
        self.pieces.push(Piece::Text(text));
        self.pieces.push(Piece::Parameter(name.to_owned()));
        self.rest = &after[length..];
    }

    /// One statement is one statement.
    fn nothing_follows(&mut self) -> Result<(), String> {
        let before = self.text.len();
        let count = self.pieces.len();
        let several = || "only one statement is possible".to_owned();
        while let Some(character) = self.rest.chars().next() {
            match character {
                '-' if self.rest.starts_with("--") => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = &self.rest[end..];
                }
                '/' if self.rest.starts_with("/*") => self.comment()?,
                other if other.is_ascii_whitespace() => self.rest = &self.rest[1..],
                _ => return Err(several()),
            }
        }
        self.text.truncate(before);
        debug_assert_eq!(count, self.pieces.len());
        Ok(())
    }
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered() {
        for (sql, names, numbered) in [
            (
                "select * from a where b = :b and (:c is null or c = :c) and d = :b;",
                &["b", "c"][..],
                "select * from a where b = ?1 and (?2 is null or c = ?2) and d = ?1",
            ),
            (
                "select ':a', \":b\", `:c`, 'it''s :d' -- :e\n, /* :f */ :g::int ; -- end\n",
                &["g"],
                "select ':a', \":b\", `:c`, 'it''s :d'  \n,   ?1::int",
            ),
            ("select '12:30', x[1:2]", &[], "select '12:30', x[1:2]"),
            ("Values (:_a1)", &["_a1"], "Values (?1)"),
            (
                "select a @> b, name = 'e'",
                &[],
                "select a @> b, name = 'e'",
            ),
        ] {
            let statement = Statement::parse(sql).unwrap_or_else(|fault| panic!("{sql}: {fault}"));
            assert_eq!(statement.names(), names, "{sql}");
            assert_eq!(statement.numbered('?'), numbered, "{sql}");
        }
    }

    #[test]
    fn parameters_are_marked_each_time() {
        let statement = Statement::parse("select :a, :b where :a = ':a'").unwrap();
        let (sql, numbers) = statement.marked();
        assert_eq!(sql, "select ?, ? where ? = ':a'");
        assert_eq!(numbers, [0, 1, 0]);
    }

    #[test]
    fn what_could_hide_something_is_refused() {
        for sql in [
            "",
            "  -- nothing",
            ";",
            "select 1; select 2",
            "select 1;;",
            "select 'a",
            "select \"a",
            "select /* a",
            "select /* /* */ */ 1",
            "select e'\\' ; drop table a --'",
            "select E'x'",
            "select u&\"\\0061\"",
            "select $$;$$",
            "select $1",
            "select ?",
            "select ?1",
            "select @a",
            "select \0",
            "select '\0'",
            "select Set_Config('a', 'b', false)",
            "(select 1)",
            ":a",
        ] {
            assert!(Statement::parse(sql).is_err(), "{sql:?}");
        }
    }

    proptest::proptest! {
        /// Whatever is written: what is taken for a statement has one, with all its parameters.
        #[test]
        fn any_text_is_one_statement_or_none(sql in "(select |[a-z ]{0,3}|'|\"|:[a-c]|::|;|--|/\\*|\\*/|\\$|e'|\n|[0-9]){0,20}") {
            if let Ok(statement) = Statement::parse(&sql) {
                let numbered = statement.numbered('?');
                let again = Statement::parse(&numbered.replace('?', ":p"));
                proptest::prop_assert!(again.is_ok(), "{numbered:?}");
                proptest::prop_assert!(!numbered.contains("--") || numbered.contains(['\'', '"', '`']));
                for name in statement.names() {
                    let marked = format!(":{name}");
                    proptest::prop_assert!(sql.contains(&marked));
                }
            }
        }
    }

    #[test]
    fn the_verb_is_the_first_word() {
        for (sql, verb) in [
            ("-- why\n SELECT 1", "select"),
            ("with a as (select 1) delete from b", "with"),
            ("pragma x", "pragma"),
        ] {
            assert_eq!(Statement::parse(sql).unwrap().verb(), verb);
        }
    }
}
