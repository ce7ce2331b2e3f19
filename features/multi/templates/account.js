// The account page's buttons: each says in data-send what it asks for, and the page shows what came of it.
const outcome = document.getElementById("outcome");

async function send(words, body, beside) {
  const [method, path] = words.split(" ");
  outcome.textContent = "";
  try {
    const answer = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (answer.ok) {
      location.reload();
      return;
    }
    const { error } = await answer.json();
    outcome.textContent = [error.message, error.hint].filter(Boolean).join(" ");
  } catch {
    outcome.textContent = "Recap does not answer. Try again in a moment.";
  }
  beside?.after(outcome);
  outcome.scrollIntoView({ block: "nearest" });
}

for (const button of document.querySelectorAll("button[data-send]")) {
  const body = button.dataset.body === undefined ? undefined : JSON.parse(button.dataset.body);
  button.addEventListener("click", () => send(button.dataset.send, body, button.closest("p, li")));
}
for (const form of document.querySelectorAll("form[data-send]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form.dataset.send, Object.fromEntries(new FormData(form)), form);
  });
}
