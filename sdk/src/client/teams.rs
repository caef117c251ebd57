//! Teams and their members (portal-api B16).

use super::{Client, Error};
use crate::types::{
    ListQuery, Page, Role, Team,
    applications::ChangeRole,
    teams::{NewTeam, PatchTeam},
};

impl Client {
    /// `GET /teams`: those of the user, for administrators all.
    pub async fn teams(&self, query: &ListQuery) -> Result<Page<Team>, Error> {
        self.get(&["teams"]).query(query.pairs(true)).json().await
    }

    /// `POST /teams`
    pub async fn create_team(&self, team: &NewTeam) -> Result<Team, Error> {
        self.post(&["teams"]).body(team).once().json().await
    }

    /// `GET /teams/{team}`
    pub async fn team(&self, id: &str) -> Result<Team, Error> {
        self.get(&["teams", id]).json().await
    }

    /// `PATCH /teams/{team}`
    pub async fn patch_team(&self, id: &str, patch: &PatchTeam) -> Result<Team, Error> {
        self.patch(&["teams", id]).body(patch).json().await
    }

    /// `DELETE /teams/{team}`
    pub async fn delete_team(&self, id: &str) -> Result<(), Error> {
        self.delete(&["teams", id]).empty().await
    }

    /// `PUT /teams/{team}/members/{user}`: takes a user in, or gives him another role.
    pub async fn put_team_member(
        &self,
        team: &str,
        user_id: &str,
        role: Role,
    ) -> Result<Team, Error> {
        let role = ChangeRole {
            role: role.as_str().to_owned(),
        };
        self.put(&["teams", team, "members", user_id])
            .body(&role)
            .json()
            .await
    }

    /// `DELETE /teams/{team}/members/{user}`
    pub async fn delete_team_member(&self, team: &str, user_id: &str) -> Result<(), Error> {
        self.delete(&["teams", team, "members", user_id])
            .empty()
            .await
    }
}
