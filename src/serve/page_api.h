// What the page at / (src/serve/page/) asks the server for.
//
// The rules of the page: one file without outside requests. It is served with the policy
//   default-src 'none'; script-src 'sha256-…'; style-src 'unsafe-inline'; img-src 'self' data: blob:;
//   connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
// where the hashes are those of its <script> elements (written exactly so, without attributes). So: no
// onclick="…" attributes, no eval, no external script. All requests go to the page's own origin, with
// relative URLs.
//
// GET /ui/info → JSON, without a key:
//   {"model": "picturebook", "version": "0.1.0", "key_required": false,
//    "size": "own" (one fixed size; images can be resized to 256x256, 512x512, 1024x1024) or "any" (WxH is
//    drawn), "deadline": 300, "max_images": 10, "tasks": {"generate": {"path": "ui/generate", "options":
//    {KEY: OPTION, …}}, "edit": …, "variations": …,
//              "interpolate": …}}
//   A task that the model cannot do is absent. OPTION is a JSON schema:
//   {"type": "integer"|"number"|"string"|"boolean", "minimum"?, "maximum"?, "enum"?, "description",
//   "default"?} with a text as default ("random, and recorded"). Of them e.g. seed, decoder_steps,
//   decoder_guidance.
//
// Four requests; each answers with a stream of server-sent events (text/event-stream) in the body of the
// POST, to be read with fetch() and response.body. With `key_required` they need `Authorization: Bearer KEY`,
// else 401.
//   POST /ui/generate     application/json      {"prompt": "a red circle", "n": 1, "size"?: "512x512",
//   "seed"?: 42, …} POST /ui/edit         multipart/form-data   image (file), mask (file; white is repainted;
//   without it where the
//                                               image is transparent), prompt, n, size, options …
//   POST /ui/variations   multipart/form-data   image (file), n, size, options …
//   POST /ui/interpolate  multipart/form-data   from and to: each a file or a text (the part's own kind
//   decides),
//                                               position 0…1 (default 0.5), n, size, options …
//   Empty fields of forms, and null in JSON, are as if absent. Files: PNG, JPEG or WebP.
//
// A request that is refused has a status of 400 or more and JSON: {"error": {"message", "type", "param",
// "code"}} (429 and 503 with Retry-After). Otherwise 200 and the events, each `event: NAME\ndata: JSON\n\n`:
//   queued    {"ahead": 3}                                      images before this request's; at least once
//   progress  {"stage": "decoder", "done": 3, "steps": 25, "images": 0}   stages: text, prior, decoder,
//   upsampler, …;
//                                                               `images`: how many are finished
//   preview   {"index": 0, "b64_json": "…PNG…"}                 of an image at work, at most three each
//   image     {"index": 0, "seed": 42, "width": 256, "height": 256, "b64_json": "…PNG…"}   one each
//   error     {"message", "type", "param", "code"}              ends the stream
//   done      {"images": 2, "seconds": 1.5}                     ends the stream
// Closing the connection (AbortController) cancels the request at the next step.
#pragma once

namespace unclip::page {

inline constexpr const char* kInfo = "/ui/info";
inline constexpr const char* kGenerate = "/ui/generate";
inline constexpr const char* kEdit = "/ui/edit";
inline constexpr const char* kVariations = "/ui/variations";
inline constexpr const char* kInterpolate = "/ui/interpolate";

}  // namespace unclip::page
