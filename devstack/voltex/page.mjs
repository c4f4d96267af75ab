// The login page for a person with a browser. Knows no protocol: it shows what is asked for and posts a form back.

const escape = (text) => String(text).replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);

const persona = (each) => `<li><code>${escape(each.name)}</code> ${escape(each.display_name)}, ${escape(each.roles.join(', '))}</li>`;

const fields = `
  <label>User <input name="user" autofocus autocomplete="off"></label>
  <label>Password <input name="password" type="password"></label>
  <label>One-time code <input name="otp" inputmode="numeric" autocomplete="off"></label>`;

export function page(config, shown, error) {
  const asks = [shown.intents && `Allow once: ${shown.intents}`, shown.acr_values && `Strength: ${shown.acr_values}`];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escape(config.title)}</title>
<style>body{font:16px system-ui;max-width:28rem;margin:3rem auto}label{display:block;margin:.6rem 0}input{width:100%}</style>
<h1>${escape(config.title)}</h1>
<p>A development provider. Every password is <code>${escape(config.personas[0].password)}</code>, every code
<code>${escape(config.personas[0].otp)}</code>. Leave the code empty for a weak login.</p>
<ul>${config.personas.map(persona).join('')}</ul>
${asks.filter(Boolean).map((each) => `<p><strong>${escape(each)}</strong></p>`).join('')}
${error ? `<p role="alert">${escape(error)}</p>` : ''}
<form method="post">${shown.prompt === 'login' ? fields : ''}<button>Continue</button></form></html>`;
}
