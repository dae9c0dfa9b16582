package teal.app;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.messaging.Message;
import org.springframework.messaging.support.ChannelInterceptor;
import org.springframework.security.authorization.AuthorizationManager;
import org.springframework.security.config.annotation.web.socket.EnableWebSocketSecurity;
import org.springframework.security.messaging.access.intercept.MessageMatcherDelegatingAuthorizationManager;

/**
 * Profiles `guarded` and `csrf`: clients SEND to /app only. Whatever else they SEND is an ERROR, and their end. With
 * `csrf`, CONNECT has to say the token of the session, too.
 */
@Configuration
@EnableWebSocketSecurity
@Profile("guarded | csrf")
public class Guard {
    @Bean
    AuthorizationManager<Message<?>> messageAuthorizationManager(
            MessageMatcherDelegatingAuthorizationManager.Builder messages) {
        return messages.nullDestMatcher().permitAll()
                .simpSubscribeDestMatchers("/topic/**", "/user/**", "/app/**").permitAll()
                .simpMessageDestMatchers("/app/**").permitAll()
                .anyMessage().denyAll()
                .build();
    }

    /** Replaces Spring's own of that name, which wants a token in CONNECT. */
    @Configuration
    @Profile("!csrf")
    static class WithoutToken {
        @Bean
        ChannelInterceptor csrfChannelInterceptor() {
            return new ChannelInterceptor() {};
        }
    }
}
