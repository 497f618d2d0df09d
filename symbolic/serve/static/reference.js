// The API's description, drawn from its OpenAPI document.

const here = location.origin;
document.getElementById("example").textContent = `api=${here}/api own='X-Subtractive: 1'
song=$(curl -s -H "$own" --data-binary @song.mid "$api/songs?name=song.mid" | jq -r .id)
job=$(curl -s -H "$own" --json '{"instrument": "bass"}' $api/songs/$song/jobs | jq -r .id)
curl -sN $api/jobs/$job/events
variation=$(curl -s $api/jobs/$job | jq -r '.variations[0]')
curl -s -o bass.mid "$api/songs/$song/files/part?variation=$variation"`;

function make(tag, words, ...inside) {
  const element = document.createElement(tag);
  element.textContent = words;
  element.append(...inside);
  return element;
}

const kind = (schema) =>
  schema.enum?.join(", ") ?? schema.const ?? schema.type ?? (schema.anyOf ?? []).map(kind).join(" or ");

function table(rows) {
  const body = document.createElement("table");
  for (const row of rows) body.append(make("tr", "", ...row.map((cell) => make("td", cell ?? ""))));
  return body;
}

const whole = await (await fetch("/api/openapi.json")).json();
for (const [path, methods] of Object.entries(whole.paths))
  for (const [method, operation] of Object.entries(methods)) {
    const article = make("article", "", make("h2", `${method.toUpperCase()} ${path}`), make("p", operation.description));
    const parameters = operation.parameters ?? [];
    if (parameters.length)
      article.append(table(parameters.map((one) => [one.name, kind(one.schema), one.description ?? one.schema.description])));
    const reference = operation.requestBody?.content["application/json"]?.schema.$ref;
    if (reference) {
      const { properties } = whole.components.schemas[reference.split("/").pop()];
      article.append(table(Object.entries(properties).map(([name, one]) => [name, kind(one), one.description])));
    }
    document.getElementById("operations").append(article);
  }
