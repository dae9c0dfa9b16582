package teal.app;

import java.util.concurrent.atomic.AtomicLong;
import org.springframework.context.event.EventListener;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.socket.config.WebSocketMessageBrokerStats;
import org.springframework.web.socket.messaging.SessionConnectedEvent;
import org.springframework.web.socket.messaging.SessionDisconnectEvent;

/** What the application itself saw: sessions that came and went, and Spring's own counters. */
@RestController
public class Stats {
    private final WebSocketMessageBrokerStats counters;
    private final Presence presence;
    private final AtomicLong came = new AtomicLong();
    private final AtomicLong left = new AtomicLong();

    Stats(WebSocketMessageBrokerStats counters, Presence presence) {
        this.counters = counters;
        this.presence = presence;
    }

    @EventListener
    void connected(SessionConnectedEvent event) {
        came.incrementAndGet();
    }

    @EventListener
    void disconnected(SessionDisconnectEvent event) {
        left.incrementAndGet();
    }

    @GetMapping(path = "/stats", produces = "text/plain")
    String stats() {
        return "came=" + came + " left=" + left + " " + presence + "\n" + counters + "\n";
    }
}
