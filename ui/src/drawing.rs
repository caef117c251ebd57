//! The gate, drawn large: at log-in, in empty states (lit) and on error pages (shut).

use askama::Template;

use crate::Html;

/// One of the drawings. All are decoration and hidden from screen readers.
pub enum Drawing {
    /// The wicket is lit: something may begin here.
    Lit,
    /// The wicket is shut.
    Shut,
    /// The night scene beside log-in.
    Night,
}

impl Drawing {
    /// The drawing as inline SVG.
    pub fn html(&self) -> Html {
        match self {
            Self::Lit => Html::of(&Small { lit: true }),
            Self::Shut => Html::of(&Small { lit: false }),
            Self::Night => Html::of(&Night),
        }
    }
}

#[derive(Template)]
#[template(path = "drawing/small.html")]
struct Small {
    lit: bool,
}

#[derive(Template)]
#[template(path = "drawing/night.html")]
struct Night;
