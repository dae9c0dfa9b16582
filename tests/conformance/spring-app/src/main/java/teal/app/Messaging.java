package teal.app;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.messaging.simp.config.MessageBrokerRegistry;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.web.socket.config.annotation.EnableWebSocketMessageBroker;
import org.springframework.web.socket.config.annotation.StompEndpointRegistry;
import org.springframework.web.socket.config.annotation.WebSocketMessageBrokerConfigurer;

/** Spring's own broker in memory, or (profile `relay`) its relay onto a broker behind it. */
@Configuration
@EnableWebSocketMessageBroker
public class Messaging {
    @Bean
    TaskScheduler beats() {
        var scheduler = new ThreadPoolTaskScheduler();
        scheduler.setPoolSize(2);
        scheduler.setThreadNamePrefix("beats-");
        return scheduler;
    }

    /** What both forms have. */
    abstract static class Endpoint implements WebSocketMessageBrokerConfigurer {
        @Override
        public void registerStompEndpoints(StompEndpointRegistry registry) {
            registry.addEndpoint("/ws", "/basic/ws", "/form/ws");
        }
    }

    @Configuration
    @Profile("!relay")
    static class Simple extends Endpoint {
        private final TaskScheduler beats;

        Simple(TaskScheduler beats) {
            this.beats = beats;
        }

        @Override
        public void configureMessageBroker(MessageBrokerRegistry registry) {
            registry.setApplicationDestinationPrefixes("/app");
            registry.enableSimpleBroker("/topic", "/queue")
                    .setHeartbeatValue(new long[] {10000, 10000})
                    .setTaskScheduler(beats);
        }
    }

    @Configuration
    @Profile("relay")
    static class Relay extends Endpoint {
        private final int port;

        Relay(@Value("${relay.port}") int port) {
            this.port = port;
        }

        @Override
        public void configureMessageBroker(MessageBrokerRegistry registry) {
            registry.setApplicationDestinationPrefixes("/app");
            registry.enableStompBrokerRelay("/topic", "/queue")
                    .setRelayHost("127.0.0.1")
                    .setRelayPort(port);
        }
    }
}
