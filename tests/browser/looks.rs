//! How pages look, at the widths and in the colours that people have.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{axe, support::Installation, tab::Tab};

/// From a small telephone, or 400 % zoom, to a large screen.
/// 960 px is the narrowest window with the whole menu.
const WIDTHS: [u32; 6] = [320, 360, 768, 960, 1280, 1920];
const PICTURED: [u32; 2] = [360, 1280];

/// Looks at pages and keeps what is wrong with them.
#[derive(Default)]
pub struct Looks {
    pub findings: Vec<String>,
}

impl Looks {
    /// Looks at the page in `tab` from all sides, and leaves it as it was.
    pub async fn at(&mut self, tab: &Tab, page: &str) {
        self.fits(tab, page).await;
        for width in PICTURED {
            tab.resize(width).await;
            for theme in ["dark", "light"] {
                colour(tab, theme).await;
                picture(tab, &format!("{page}-{width}-{theme}")).await;
                let found = axe::findings(tab).await;
                self.findings.extend(
                    found
                        .into_iter()
                        .map(|text| format!("{page} at {width}, {theme}: {text}")),
                );
            }
        }
        tab.resize(1280).await;
    }

    /// Looks for what is wider than the window, whatever that window is.
    pub async fn fits(&mut self, tab: &Tab, page: &str) {
        // Tabs behind others draw nothing.
        tab.call("Page.bringToFront", json!({})).await;
        for width in WIDTHS {
            tab.resize(width).await;
            let wide: Vec<String> = tab.evaluate(TOO_WIDE).await;
            if !wide.is_empty() {
                self.findings.push(format!(
                    "{page} scrolls sideways at {width}: {}",
                    wide.join(", ")
                ));
            }
            let is_whole: bool = tab.evaluate(IS_HEADER_WHOLE).await;
            if !is_whole {
                let text = "the header has two lines, or the site's name is cut";
                self.findings.push(format!("{page} at {width}: {text}"));
            }
        }
        tab.resize(1280).await;
    }

    /// Also nothing in the consoles of these tabs, and no request to strangers.
    #[track_caller]
    pub fn expect_nothing_found(mut self, installation: &Installation, tabs: &[&Tab]) {
        let origins = [installation.portal(), installation.gateway()];
        let origins = origins.each_ref().map(String::as_str);
        for tab in tabs {
            self.findings.extend(tab.watch.findings(&origins));
        }
        let (count, findings) = (self.findings.len(), self.findings.join("\n"));
        assert!(count == 0, "{count} findings:\n{findings}");
    }
}

/// The innermost elements that make the page wider than the window.
const TOO_WIDE: &str = r#"(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const wide = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width + 0.5);
    const inner = wide.filter((e) => !wide.some((other) => other !== e && e.contains(other)));
    return inner.slice(0, 5).map((e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class") ?? ""}`).concat("page");
})()"#;

const IS_HEADER_WHOLE: &str = r#"(() => {
    const bar = document.querySelector(".top-in");
    const name = bar?.querySelector(".brand span");
    return !bar || (bar.offsetHeight <= 60 && (!name || name.scrollWidth <= name.clientWidth));
})()"#;

async fn colour(tab: &Tab, theme: &str) {
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }] });
    tab.call("Emulation.setEmulatedMedia", features).await;
    // Colours change by a transition; pictures and contrasts are about its end.
    let settle = "document.getAnimations().forEach((animation) => animation.finish()) ?? true";
    tab.evaluate::<bool>(settle).await;
}

async fn picture(tab: &Tab, name: &str) {
    let size = tab.call("Page.getLayoutMetrics", json!({})).await["cssContentSize"].take();
    let clip =
        json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
    let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
    let answer = tab.call("Page.captureScreenshot", parameters).await;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screens");
    std::fs::create_dir_all(&folder).unwrap();
    let png = STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
    std::fs::write(folder.join(name).with_extension("png"), png).unwrap();
}
