//! Somebody without a mouse: Tab, Enter, arrows and letters are all there is.

use serde::Deserialize;
use serde_json::json;

use crate::tab::Tab;

/// More than any page has controls.
const MAX_STEPS: usize = 150;

/// What has the focus, and whether one can see that.
const FOCUS: &str = r#"(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return { name: "", ring: true, inView: true, moved: true };
    const label = element.labels?.[0] ?? element;
    const name = (element.getAttribute("aria-label") ?? label.innerText).trim().replace(/\s+/g, " ");
    let ring = false;
    for (let node = element; node && !ring; node = node.parentElement) {
        const style = getComputedStyle(node);
        ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    }
    const box = element.getBoundingClientRect();
    const inView = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    const moved = window.hadFocus !== element;
    window.hadFocus = element;
    return { name, ring, inView, moved };
})()"#;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Focus {
    /// Label or text of the element; empty while nothing has the focus.
    name: String,
    ring: bool,
    in_view: bool,
    moved: bool,
}

impl Tab {
    /// Presses Tab until the focus is on something whose name begins with `name`.
    pub async fn tab_to(&self, name: &str) {
        let mut passed = Vec::new();
        let mut focus: Focus = self.evaluate(FOCUS).await;
        for _ in 0..MAX_STEPS {
            if focus.name.starts_with(name) {
                return;
            }
            passed.push(focus.name);
            self.press("Tab", 9, None).await;
            focus = self.evaluate(FOCUS).await;
            let url = self.url().await;
            assert!(focus.ring, "the focus on {focus:?} cannot be seen on {url}");
            assert!(focus.in_view, "{focus:?} is outside of the window on {url}");
            assert!(focus.moved, "the focus is stuck at {focus:?} on {url}");
        }
        panic!(
            "Tab does not come to `{name}` on {}, only to {passed:#?}",
            self.url().await
        );
    }

    /// Goes to the field with this label and types.
    pub async fn fill(&self, label: &str, text: &str) {
        self.tab_to(label).await;
        for character in text.chars() {
            let key = json!({ "type": "char", "text": character });
            self.call("Input.dispatchKeyEvent", key).await;
        }
    }

    /// Goes to a link or button and presses Enter, which leads to another page.
    pub async fn follow(&self, name: &str) {
        self.tab_to(name).await;
        self.enter().await;
    }

    /// Presses Enter where the focus is, which leads to another page.
    pub async fn enter(&self) {
        self.until_next_page(self.press("Enter", 13, Some("\r")))
            .await;
    }

    /// Chooses the radio button whose label begins with `label`, in the group that Tab reaches next.
    pub async fn choose(&self, label: &str) {
        let group = "document.activeElement.type === 'radio'";
        for _ in 0..MAX_STEPS {
            if self.evaluate::<bool>(group).await {
                break;
            }
            self.press("Tab", 9, None).await;
        }
        for _ in 0..MAX_STEPS {
            let focus: Focus = self.evaluate(FOCUS).await;
            if focus.name.starts_with(label) {
                // Arrows choose; a group without a choice is entered with none.
                self.press(" ", 32, Some(" ")).await;
                return;
            }
            self.press("ArrowDown", 40, None).await;
        }
        panic!("no choice `{label}` on {}", self.url().await);
    }

    pub async fn press(&self, key: &str, code: u32, text: Option<&str>) {
        let mut event =
            json!({ "type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code });
        if key == " " {
            event["code"] = "Space".into();
        }
        if let Some(text) = text {
            event["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", event.clone()).await;
        event["type"] = "keyUp".into();
        // The page, and with it the receiver of this one, may be gone by now.
        let _ = self.try_call("Input.dispatchKeyEvent", event).await;
    }
}
