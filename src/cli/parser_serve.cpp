// Declares the serve verb (see parser.h).
#include "common_flags.h"
#include "flags.h"
#include "parser.h"

namespace unclip {
namespace {

constexpr const char* kAccess = "Access";
constexpr const char* kLimits = "Limits";

void add_seconds(CLI::App& verb, const Flag& flag, std::chrono::seconds& value, int most) {
  add_parsed(verb, flag, [&value, most](const std::string& text) {
    value = std::chrono::seconds(parse_number(text, 1, most));
  });
}

void add_access(CLI::App& verb, ServeOptions& server) {
  auto* host = add_text(verb,
                        {.names = "--host",
                         .value_name = "ADDRESS",
                         .help = "Address to listen at; others than this machine's own need --keys",
                         .example = "--host 0.0.0.0 --keys keys.txt --allow-host draw.example.org",
                         .fallback = "127.0.0.1",
                         .group = kAccess},
                        server.host);
  auto* port = add_number(verb,
                          {.names = "--port",
                           .help = "Port to listen at; 0 takes any that is free",
                           .example = "--port 8080",
                           .fallback = "8000",
                           .group = kAccess},
                          server.port, 0, 65535);
  add_text(verb,
           {.names = "--socket",
            .value_name = "FILE",
            .help = "Listen at a Unix socket, which only you can open",
            .example = "--socket /run/unclip/socket",
            .fallback = "host and port",
            .group = kAccess},
           server.socket)
      ->excludes(host)
      ->excludes(port);
  add_text(
      verb,
      {.names = "--keys",
       .value_name = "FILE",
       .help =
           "Accept only requests with one of the API keys in this file, one per line; SIGHUP reads it again",
       .example = "--keys keys.txt",
       .fallback = "no key needed",
       .group = kAccess},
      server.keys);
  add_text(verb,
           {.names = "--allow-host",
            .value_name = "NAME",
            .help = "Another name of this server in Host and Origin, such as a proxy's; can be repeated",
            .example = "--allow-host images.example.org",
            .fallback = "localhost and --host",
            .group = kAccess},
           server.allow_hosts);
  add_text(verb,
           {.names = "--public-url",
            .value_name = "URL",
            .help = "What links to images begin with",
            .example = "--public-url https://images.example.org",
            .fallback = "http:// and the Host of the request",
            .group = kAccess},
           server.public_url);
  add_text(verb,
           {.names = "--deny-file",
            .value_name = "FILE",
            .help = "Refuse prompts that match a rule in this file",
            .example = "--deny-file denied.txt",
            .fallback = "none",
            .group = kAccess},
           server.deny_file);
}

void add_limits(CLI::App& verb, ServeOptions& server) {
  add_number(verb,
             {.names = "--queue",
              .help = "Images that may wait or be in progress; further requests get status 429",
              .example = "--queue 200",
              .fallback = "64",
              .group = kLimits},
             server.queue, 10, 100'000);
  add_number(verb,
             {.names = "--per-client",
              .help = "How many of them may belong to one key or, without keys, one address",
              .example = "--per-client 10",
              .fallback = "half of them with --keys, else all",
              .group = kLimits},
             server.per_client, 1, 100'000);
  add_number(verb,
             {.names = "--rate",
              .help = "Images per minute of one key or address",
              .example = "--rate 30",
              .fallback = "unlimited",
              .group = kLimits},
             server.per_minute, 1, 1'000'000);
  add_seconds(verb,
              {.names = "--deadline",
               .value_name = "S",
               .help = "Seconds after which a request is given up with status 504",
               .example = "--deadline 60",
               .fallback = "300",
               .group = kLimits},
              server.deadline, 86'400);
  add_seconds(verb,
              {.names = "--grace",
               .value_name = "S",
               .help = "Seconds that images in progress have after SIGTERM or Ctrl-C",
               .example = "--grace 10",
               .fallback = "30",
               .group = kLimits},
              server.grace, 3600);
  add_seconds(verb,
              {.names = "--keep",
               .value_name = "S",
               .help = "Seconds that links to images work; at most 256 MiB of images are kept",
               .example = "--keep 600",
               .fallback = "3600",
               .group = kLimits},
              server.keep, 86'400);
  add_parsed(verb,
             {.names = "--max-body",
              .value_name = "MIB",
              .help = "Largest request, in MiB",
              .example = "--max-body 8",
              .fallback = "32",
              .group = kLimits},
             [&server](const std::string& text) {
               server.connection.body_bytes = parse_number<std::size_t>(text, 1, 1024) << 20;
             });
  add_number(verb,
             {.names = "--connections",
              .help = "Connections answered at once",
              .example = "--connections 64",
              .fallback = "512",
              .group = kLimits},
             server.most_connections, 1, 10'000);
}

}  // namespace

void Parser::add_serve() {
  CLI::App* verb = add_verb("serve", "Answer the images API of DALL-E 2, and serve a page to draw with",
                            [this](std::ostream& out) { return serve(serve_, out); });
  verb->footer(
      "Example: unclip serve --port 8000\n"
      "Then open the URL that it prints, or set OPENAI_BASE_URL to it with /v1 at the end.");
  add_access(*verb, serve_.server);
  add_limits(*verb, serve_.server);
  add_parsed(*verb,
             {.names = "-b,--batch-size",
              .value_name = "N|auto",
              .help = "Images per batch at most; auto fits as many as memory allows",
              .example = "-b 4",
              .fallback = "8",
              .group = group::batch},
             [this](const std::string& text) {
               serve_.batch_size = text == "auto" ? 0 : parse_number(text, 1, kLargestBatch);
             });
  add_number(*verb,
             {.names = "--wait",
              .value_name = "MS",
              .help = "Milliseconds that a batch waits for images of other requests",
              .example = "--wait 100",
              .fallback = "20",
              .group = group::batch},
             serve_.patience_ms, 0, 60'000);
  add_model(*verb, serve_.model, serve_.prior);
  add_device_flags(*verb, serve_.device, serve_.dtype);
  add_flag(*verb, common_flag::low_memory(), serve_.low_memory);
}

}  // namespace unclip
