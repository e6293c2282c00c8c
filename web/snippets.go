package web

import (
	"strings"

	"longwave/views"
)

// sample is the packet of every example.
const sample = `{"temp":21.5}`

const pythonExample = `import json, time, urllib.request

URL = "{address}/ingest/v1/packets"
TOKEN = "{token}"

def send(values):
    request = urllib.request.Request(URL, data=json.dumps(values).encode(), headers={
        "Authorization": "Bearer " + TOKEN,
        "Content-Type": "application/json",
    })
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)

while True:
    print(send({"temp": 21.5}))
    time.sleep(10)
`

const pythonSocket = `# pip install websockets
import asyncio, json, websockets

async def main():
    async with websockets.connect(
        "{socket}/ingest/v1/ws",
        additional_headers={"Authorization": "Bearer {token}"},
    ) as ws:
        while True:
            await ws.send(json.dumps({"temp": 21.5}))
            print(await ws.recv())
            await asyncio.sleep(10)

asyncio.run(main())
`

// snippets are the ways to send, ready to paste, with the real address and token.
func snippets(address, token string) []views.Snippet {
	fill := strings.NewReplacer("{address}", address, "{socket}", "ws"+strings.TrimPrefix(address, "http"), "{token}", token, "{sample}", sample).Replace
	return []views.Snippet{
		{ID: "connect-curl", Label: "curl", Selected: true, Blocks: []views.Block{
			{ID: "connect-curl-code", Label: "Linux, macOS", Code: fill("curl -sS '{address}/ingest/v1/packets' \\\n  -H 'Authorization: Bearer {token}' \\\n  -H 'Content-Type: application/json' \\\n  -d '{sample}'")},
			{ID: "connect-windows-code", Label: "Windows (cmd)", Code: fill(`curl.exe -sS "{address}/ingest/v1/packets" -H "Authorization: Bearer {token}" -H "Content-Type: application/json" -d "{\"temp\":21.5}"`)},
		}},
		{ID: "connect-websocket", Label: "WebSocket", Note: "One connection for many packets; each is acknowledged once it is safe.", Blocks: []views.Block{
			{ID: "connect-websocket-code", Label: "websocat", Code: fill("echo '{sample}' | websocat -H='Authorization: Bearer {token}' '{socket}/ingest/v1/ws'")},
			{ID: "connect-websocket-python-code", Label: "Python", Code: fill(pythonSocket)},
		}},
		{ID: "connect-python", Label: "Python", Note: "Nothing to install. Sends every ten seconds.", Blocks: []views.Block{
			{ID: "connect-python-code", Label: "send.py", Code: fill(pythonExample)},
		}},
	}
}
