//! Requests as they go over the wire (portal-api 15).

use sdk::types::{
    Approval, ChangedDate, Timestamp,
    approvals::{Comment, RequestedApi, RequestedPlan, Requester, RequestingApplication},
};

use super::row;

pub fn approval(row: row::Model, comments: Vec<row::comment::Model>) -> Approval {
    let changed_at = row.decided_at.unwrap_or(row.requested_at);
    Approval {
        id: row.id,
        subscription_id: Some(row.subscription_id),
        user: Requester {
            id: row.user_id,
            email: row.user_email,
        },
        api: RequestedApi {
            id: row.api_id,
            name: row.api_name,
            required_group: row.api_group,
        },
        application: RequestingApplication {
            id: row.application_id,
            name: row.application_name,
            trusted: row.trusted,
            description: row.application_description,
        },
        plan: RequestedPlan {
            id: row.plan_id,
            name: row.plan_name,
        },
        purpose: row.purpose,
        changed_date: Some(ChangedDate::Iso(changed_at.into())),
        state: Some(row.state),
        decided_at: row.decided_at.map(Timestamp),
        decided_by: row.decided_by,
        reason: row.reason,
        assignee: row.assignee,
        comments: comments.into_iter().map(comment).collect(),
    }
}

pub fn comment(row: row::comment::Model) -> Comment {
    Comment {
        id: row.id,
        user: Requester {
            id: row.user_id,
            email: row.user_email,
        },
        text: row.text,
        created_at: row.created_at.into(),
    }
}
