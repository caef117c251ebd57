//! What a tab does that nobody sees: its requests, and what ends in its console.

use std::sync::Mutex;

use serde_json::Value;

#[derive(Default)]
pub struct Watch {
    requests: Mutex<Vec<String>>,
    complaints: Mutex<Vec<String>>,
}

impl Watch {
    pub fn note(&self, event: &str, parameters: &Value) {
        match event {
            "Network.requestWillBeSent" => {
                let url = parameters["request"]["url"].as_str().unwrap_or_default();
                self.requests.lock().unwrap().push(url.to_owned());
            }
            "Runtime.exceptionThrown" => self.complain(parameters["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" => self.complain(parameters["args"].to_string()),
            // Breaches of the content security policy come here.
            "Log.entryAdded" => self.complain(format!(
                "{} {}",
                parameters["entry"]["text"], parameters["entry"]["url"]
            )),
            "Audits.issueAdded" => self.complain(parameters["issue"].to_string()),
            _ => {}
        }
    }

    fn complain(&self, text: String) {
        self.complaints.lock().unwrap().push(text);
    }

    /// Takes back complaints that contain `text`: a page that is meant to be missing is logged too.
    pub fn forgive(&self, text: &str) {
        self.complaints
            .lock()
            .unwrap()
            .retain(|complaint| !complaint.contains(text));
    }

    /// Everything that is wrong, where only `origins` may be asked for anything.
    pub fn findings(&self, origins: &[&str]) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let foreign = requests
            .iter()
            .filter(|url| {
                !url.starts_with("data:")
                    && !origins
                        .iter()
                        .any(|origin| url.starts_with(&format!("{origin}/")))
            })
            .map(|url| format!("a request to {url}"));
        let complaints = self.complaints.lock().unwrap();
        foreign
            .chain(complaints.iter().map(|text| format!("console: {text}")))
            .collect()
    }
}
