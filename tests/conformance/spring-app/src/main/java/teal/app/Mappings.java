package teal.app;

import java.security.Principal;
import java.util.concurrent.atomic.AtomicLong;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.event.EventListener;
import org.springframework.messaging.handler.annotation.MessageMapping;
import org.springframework.messaging.handler.annotation.Payload;
import org.springframework.messaging.handler.annotation.SendTo;
import org.springframework.messaging.simp.SimpMessagingTemplate;
import org.springframework.messaging.simp.annotation.SendToUser;
import org.springframework.messaging.simp.annotation.SubscribeMapping;
import org.springframework.messaging.simp.broker.BrokerAvailabilityEvent;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Controller;

/** Each answer begins with the version of the application that gave it: `v1 ...`. */
@Controller
public class Mappings {
    private final String version;
    private final SimpMessagingTemplate messages;
    private final AtomicLong ticks = new AtomicLong();
    private volatile boolean available; // the broker, a relay's too

    Mappings(@Value("${app.version:v1}") String version, SimpMessagingTemplate messages) {
        this.version = version;
        this.messages = messages;
    }

    @MessageMapping("/say")
    @SendTo("/topic/said")
    String say(@Payload String text) {
        return version + " " + text;
    }

    /** Goes to the one session that asked, with or without a login. */
    @MessageMapping("/ask")
    @SendToUser(destinations = "/queue/answers", broadcast = false)
    String ask(@Payload String text, Principal who) {
        return version + " " + (who == null ? "nobody" : who.getName()) + " " + text;
    }

    /** Works for a second before it answers: what a switch finds in hand. */
    @MessageMapping("/slow")
    @SendToUser(destinations = "/queue/answers", broadcast = false)
    String slow(@Payload String text) throws InterruptedException {
        Thread.sleep(1000);
        return version + " slow " + text;
    }

    /** A snapshot, straight to the session: a MESSAGE that nobody is to acknowledge. */
    @SubscribeMapping("/snapshot")
    String snapshot() {
        return version + " snapshot";
    }

    @EventListener
    void availability(BrokerAvailabilityEvent event) {
        available = event.isBrokerAvailable();
    }

    @Scheduled(fixedRateString = "${app.tick:200}")
    void tick() {
        if (!available) {
            return;
        }
        messages.convertAndSend("/topic/ticks", version + " " + ticks.incrementAndGet());
    }
}
