//! Pages on which somebody lets a device in.

use askama::Template;
use serde::Serialize;
use ui::{Field, Frame, Html, Icon};

use super::{Common, MethodChoice, Named, Page};

/// Asks for the code that the device shows.
#[derive(Template, Serialize)]
#[template(path = "device.html")]
#[serde(rename_all = "camelCase")]
pub struct DevicePage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub error_message: Option<&'static str>,
    pub user_code: Option<String>,
}

impl DevicePage {
    fn code_field(&self) -> Html {
        let t = self.common.t;
        Field {
            value: self.user_code.clone().unwrap_or_default(),
            hint: Some(t.device_code_hint().to_owned()),
            autocomplete: "off",
            max_length: Some(16),
            autofocus: true,
            ..Field::required("user_code", t.device_code())
        }
        .html()
    }
}

impl Page for DevicePage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "device"
    }
}

/// Says who wants to be let in, and asks whether the code is the same there.
#[derive(Template, Serialize)]
#[template(path = "device_confirm.html")]
#[serde(rename_all = "camelCase")]
pub struct DeviceConfirmPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub user_code: String,
    pub api_info: Named,
    pub app_info: Named,
    pub methods: Vec<MethodChoice>,
}

impl DeviceConfirmPage {
    /// With one method there is nothing to choose.
    fn label(&self, method: &MethodChoice) -> String {
        let t = self.common.t;
        if self.methods.len() == 1 {
            t.device_continue().to_owned()
        } else {
            t.device_continue_with(&method.title)
        }
    }
}

impl Page for DeviceConfirmPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "device_confirm"
    }
}
