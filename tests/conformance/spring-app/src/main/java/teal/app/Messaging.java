package teal.app;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.messaging.simp.config.ChannelRegistration;
import org.springframework.messaging.simp.config.MessageBrokerRegistry;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.concurrent.ThreadPoolTaskExecutor;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.web.socket.config.annotation.EnableWebSocketMessageBroker;
import org.springframework.web.socket.config.annotation.StompEndpointRegistry;
import org.springframework.web.socket.config.annotation.WebSocketMessageBrokerConfigurer;
import org.springframework.web.socket.server.support.HttpSessionHandshakeInterceptor;

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

    /** As many threads as slow handlers may work at once: Spring Boot gives it to the channels. */
    @Bean
    ThreadPoolTaskExecutor applicationTaskExecutor() {
        var executor = new ThreadPoolTaskExecutor();
        executor.setCorePoolSize(32);
        return executor;
    }

    /** What both forms have. */
    abstract static class Endpoint implements WebSocketMessageBrokerConfigurer {
        private final Presence presence;
        private final ObjectProvider<Tokens.InConnect> gate;

        Endpoint(Presence presence, ObjectProvider<Tokens.InConnect> gate) {
            this.presence = presence;
            this.gate = gate;
        }

        @Override
        public void configureClientInboundChannel(ChannelRegistration registration) {
            gate.ifAvailable(registration::interceptors); // who is refused there has not joined
            registration.interceptors(presence);
        }

        @Override
        public void registerStompEndpoints(StompEndpointRegistry registry) {
            registry.addEndpoint("/ws", "/basic/ws", "/form/ws", "/jwt/ws")
                    .addInterceptors(new HttpSessionHandshakeInterceptor());
        }
    }

    @Configuration
    @Profile("!relay")
    static class Simple extends Endpoint {
        private final TaskScheduler beats;
        private final long beat;

        Simple(TaskScheduler beats, Presence presence, ObjectProvider<Tokens.InConnect> gate,
                @Value("${app.beat:10000}") long beat) {
            super(presence, gate);
            this.beats = beats;
            this.beat = beat;
        }

        @Override
        public void configureMessageBroker(MessageBrokerRegistry registry) {
            registry.setApplicationDestinationPrefixes("/app");
            registry.enableSimpleBroker("/topic", "/queue")
                    .setHeartbeatValue(new long[] {beat, beat})
                    .setTaskScheduler(beats);
        }
    }

    @Configuration
    @Profile("relay")
    static class Relay extends Endpoint {
        private final int port;

        Relay(@Value("${relay.port}") int port, Presence presence, ObjectProvider<Tokens.InConnect> gate) {
            super(presence, gate);
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
