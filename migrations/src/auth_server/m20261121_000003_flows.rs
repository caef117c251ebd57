//! Pending authorization requests.

crate::ddl::migration! {&[
    // What a browser is on its way to, one row per tab. A row belongs to the browser that began
    // it (hash of its cookie), not to a session, so that it survives the login.
    "create table auth_flows (
        id varchar(64) primary key,
        browser_hash varchar(64) not null,
        method varchar(128) not null,
        api varchar(128),
        client_id varchar(256),
        redirect_uri text,
        state text,
        scope text not null,
        namespace varchar(128),
        challenge text,
        silent boolean not null,
        prefill_username text,
        target text,
        pending_user varchar(64),
        login_after {time},
        created_at {time} not null,
        expires_at {time} not null
    )",
    "create index auth_flows_by_browser on auth_flows (browser_hash, method, created_at)",
    "create index auth_flows_by_end on auth_flows (expires_at)",
]}
