//! Accounts of this installation: log-in, sign-up, mail links, new passwords (8.1, 17).
//!
//! What these pages answer never tells whether an account exists: the same page, the same status,
//! the same time.

mod change_password;
mod dummy;
mod external;
mod forgotten;
mod form;
mod ldap;
mod link;
mod login;
mod passkey;
mod password;
mod second_factor;
mod signup;
mod verification;
mod verify_email;

use axum::{Router, routing::get, routing::post};

use crate::state::AppState;

pub use form::{PageForm, any_flow, delay, find_flow, method_of, open_form};
pub use link::ask as ask_to_link;
pub use login::{admit, login_url, wanted};
pub use passkey::{challenge as passkey_challenge, expected_place};
pub use password::{Checked, Wanted, check_password};
pub use verification::{is_id as is_link_id, link as verification_link};
pub use verify_email::logged_in_user;

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/{method}/login", get(login::plain).post(login::submit))
        .route("/{method}/signup", get(signup::show).post(signup::submit))
        .route(
            "/{method}/forgotpassword",
            get(forgotten::show).post(forgotten::submit),
        )
        .route("/{method}/changepassword", post(change_password::submit))
        .route("/{method}/secondfactor", post(second_factor::submit))
        .route("/{method}/passkey", post(passkey::submit))
        .route("/{method}/link", post(link::submit))
        .route("/{method}/verify/{id}", get(verification::show))
        .route("/{method}/verify", post(verification::submit))
        .route(
            "/{method}/verifyemail",
            get(verify_email::show).post(verify_email::submit),
        )
}
