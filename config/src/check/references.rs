//! Everything that is named must exist: plans, groups, pools, log-in methods, APIs.
//!
//! An unknown group shuts people out and nobody in, so it is a warning; the others break something
//! for developers and are errors.

use crate::{
    apis::{self, Api, Auth},
    auth_servers::AuthMethodRef,
    configuration::Configuration,
    globals,
    path::JsonPath,
    plans,
    problem::Report,
};

pub fn check(configuration: &Configuration, report: &Report) {
    let check = Check {
        configuration,
        report,
    };
    check.globals();
    check.plans();
    let own = configuration.apis.iter().filter(|api| !api.internal);
    for api in own {
        check.api(api, &api.place);
    }
    check.content();
    for server in &configuration.auth_servers {
        if server.id != "default" {
            let file = format!("auth-servers/{}.json", server.id);
            let message = "only the auth server `default` is served; deploy this one yourself";
            report.warn(&file, &JsonPath::default(), message);
        }
    }
}

struct Check<'a> {
    configuration: &'a Configuration,
    report: &'a Report,
}

impl Check<'_> {
    fn globals(&self) {
        let globals = &self.configuration.globals;
        let root = JsonPath::default();
        self.group(
            globals::FILE,
            &root.key("validatedUserGroup"),
            globals.validated_user_group.as_deref(),
        );
        let api = root.key("api");
        self.group(
            globals::FILE,
            &api.key("apiUserGroup"),
            globals.api_user_group.as_deref(),
        );
        self.group(
            globals::FILE,
            &api.key("echoUserGroup"),
            globals.echo_user_group.as_deref(),
        );
        for user in &globals.initial_users {
            for group in &user.groups {
                self.group(globals::FILE, &root.key("initialUsers"), Some(group));
            }
        }
        let path = root.key("portal").key("authMethods");
        self.auth_methods(globals::FILE, &path, &globals.portal_auth_methods);
        for (index, method) in globals.portal_auth_methods.iter().enumerate() {
            if method.server != "default" {
                let message = "the portal uses auth server `default` only";
                self.report.warn(globals::FILE, &path.index(index), message);
            }
        }
    }

    fn plans(&self) {
        let own = self
            .configuration
            .plans
            .all
            .iter()
            .filter(|plan| !plan.is_internal());
        for plan in own {
            let path = plan.place.key("requiredGroup");
            self.group(plans::FILE, &path, plan.required_group.as_deref());
        }
    }

    fn api(&self, api: &Api, path: &JsonPath) {
        for (index, plan) in api.plans.iter().enumerate() {
            if self.configuration.plan(plan).is_none() {
                let place = path.key("plans").index(index);
                self.error(
                    &place,
                    format!("plan `{plan}` of API `{}` does not exist", api.id),
                );
            }
        }
        self.group(
            apis::FILE,
            &path.key("requiredGroup"),
            api.required_group.as_deref(),
        );
        self.group(
            apis::FILE,
            &path.key("ownerGroup"),
            api.owner_group.as_deref(),
        );
        if let Some(pool) = api.registration_pool.as_deref()
            && self.configuration.pool(pool).is_none()
        {
            let message = format!("pool `{pool}` of API `{}` does not exist", api.id);
            self.error(&path.key("registrationPool"), message);
        }
        if api.auth == Auth::OAuth2 {
            self.auth_methods(apis::FILE, &path.key("authMethods"), &api.auth_methods);
        }
        if let Some(successor) = api.lifecycle.successor.as_deref()
            && self.configuration.api(successor).is_none()
        {
            let message = format!("API `{successor}` does not exist");
            self.report
                .warn(apis::FILE, &path.key("lifecycle").key("successor"), message);
        }
        if api.plans.is_empty() && api.auth != Auth::None {
            let message = format!("API `{}` has no plan, so nobody can subscribe", api.id);
            self.report.warn(apis::FILE, &path.key("plans"), message);
        }
    }

    fn content(&self) {
        for (name, page) in &self.configuration.content.pages {
            let group = page
                .metadata
                .as_ref()
                .and_then(|metadata| metadata.required_group.as_deref());
            let file = format!("content/{name}.json");
            self.group(&file, &JsonPath::default().key("requiredGroup"), group);
        }
    }

    /// Unknown and disabled methods are skipped; an error if none is left.
    fn auth_methods(&self, file: &str, path: &JsonPath, methods: &[AuthMethodRef]) {
        let mut usable = 0;
        for (index, reference) in methods.iter().enumerate() {
            let server = self.configuration.auth_server(&reference.server);
            match server.and_then(|server| server.method(&reference.method)) {
                None => {
                    let message =
                        format!("log-in method `{reference}` does not exist; it is skipped");
                    self.report.warn(file, &path.index(index), message);
                }
                Some(method) if !method.enabled => {
                    let message = format!("log-in method `{reference}` is disabled; it is skipped");
                    self.report.warn(file, &path.index(index), message);
                }
                Some(_) => usable += 1,
            }
        }
        if usable == 0 {
            self.report
                .error(file, path, "no usable log-in method is left");
        }
    }

    fn group(&self, file: &str, path: &JsonPath, group: Option<&str>) {
        if let Some(id) = group
            && !self.configuration.groups.all.contains(id)
        {
            self.report.warn(
                file,
                path,
                format!("group `{id}` does not exist, so nobody is in it"),
            );
        }
    }

    fn error(&self, path: &JsonPath, message: String) {
        self.report.error(apis::FILE, path, message);
    }
}
