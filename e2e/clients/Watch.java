import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Iterator;

/**
 * Watches an event stream with Java's HttpClient, and prints each event that it gets as a line of
 * JSON: java Watch.java URL
 *
 * HttpClient knows nothing of event streams, so what it leaves to a program is here: taking lines
 * apart, and connecting again with the last event ID.
 */
public class Watch {
    private static String lastID = "";

    public static void main(String[] args) throws InterruptedException {
        var client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
        while (true) {
            var request = HttpRequest.newBuilder(URI.create(args[0])).header("Accept", "text/event-stream");
            if (!lastID.isEmpty()) {
                request.header("Last-Event-ID", lastID);
            }
            try {
                // Lines are decoded as what Content-Type names, and as UTF-8 where it names nothing.
                var response = client.send(request.build(), BodyHandlers.ofLines());
                if (response.statusCode() == 200) {
                    watch(response.body().iterator());
                }
            } catch (Exception e) { // The stream was lost: an UncheckedIOException, or an IOException before it began.
                System.err.println(e);
            }
            Thread.sleep(500);
        }
    }

    /** Dispatches events, as section 9.2.6 of the HTML Standard has it. */
    private static void watch(Iterator<String> lines) {
        String name = "";
        StringBuilder data = null;
        while (lines.hasNext()) {
            String line = lines.next();
            int colon = line.indexOf(':');
            String field = colon < 0 ? line : line.substring(0, colon);
            String value = colon < 0 ? "" : line.substring(colon + 1).replaceFirst("^ ", "");
            if (line.isEmpty()) {
                if (data != null) {
                    System.out.printf("{\"id\":%s,\"name\":%s,\"data\":%s}%n", quote(lastID), quote(name), quote(data.toString()));
                }
                name = "";
                data = null;
            } else if (field.equals("id")) {
                lastID = value;
            } else if (field.equals("event")) {
                name = value;
            } else if (field.equals("data")) {
                data = data == null ? new StringBuilder(value) : data.append('\n').append(value);
            }
        }
    }

    /** Returns a JSON string of ASCII alone, whatever the machine's encoding is. */
    private static String quote(String text) {
        var quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c < ' ' || c > '~' || c == '"' || c == '\\') {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }
}
